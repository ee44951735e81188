alter table units
    drop constraint units_kind_check,
    add constraint units_kind_check check (kind in (
        'probe', 'video', 'audio', 'copy', 'index', 'survey', 'loudness', 'extras', 'finish', 'captions', 'poster'
    ));

drop index units_once;
create unique index units_once on units (job_id, kind)
    where kind in ('probe', 'index', 'survey', 'loudness', 'extras', 'finish');

create or replace view job_progress as
select j.id as job_id, j.video_id, case j.state when 'done' then 1 else greatest(j.progress, u.made) end as progress
from jobs j
cross join lateral (
    select case when bool_or(kind in ('probe', 'index', 'survey') and state <> 'done') then 0 else coalesce(
        sum(cardinality(renditions) * case state when 'done' then end_segment - first_segment else done_segments end)
            filter (where makes_segments and not spare)::float8
        / nullif(sum(cardinality(renditions) * (end_segment - first_segment))
            filter (where makes_segments and not spare), 0), 0) end as made
    from units where job_id = j.id
) u;
