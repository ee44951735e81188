alter table videos add column level_sound boolean not null default true;

alter table jobs
    add constraint jobs_priority_check check (priority between -100 and 100),
    add column progress float8 not null default 0 check (progress between 0 and 1);

create function claimable(job_state text, kind text) returns boolean language sql immutable
    return case job_state when 'done' then kind in ('captions', 'poster', 'copy', 'audio')
        else job_state in ('queued', 'running') and kind <> 'captions' end;

alter table units
    drop constraint units_kind_check,
    add constraint units_kind_check check (kind in (
        'probe', 'video', 'audio', 'copy', 'survey', 'loudness', 'extras', 'finish', 'captions', 'poster'
    )),
    drop constraint units_queue_check,
    add constraint units_queue_check check (queue in ('interactive', 'batch', 'held')),
    add column makes_segments boolean not null generated always as (kind in ('video', 'audio', 'copy')) stored,
    add column spare boolean not null default false,
    add column heard_end integer not null default 0,
    add column made_ms bigint not null default 0 check (made_ms >= 0),
    add column progressed_at timestamptz not null default now(),
    add column shunned_until timestamptz;
update units set heard_end = end_segment where state = 'running';
update units set done_segments = least(done_segments, end_segment - first_segment) where makes_segments;
alter table units
    add constraint units_held_check check (queue <> 'held' or (makes_segments and spare and state = 'queued')),
    add constraint units_span_check check (
        not makes_segments or (cardinality(renditions) > 0 and end_segment > first_segment)
    ),
    add constraint units_made_check check (
        not makes_segments or done_segments between 0 and end_segment - first_segment
    );
create unique index units_once on units (job_id, kind)
    where kind in ('probe', 'survey', 'loudness', 'extras', 'finish');

create function unit_span(job_id integer, first_segment integer, end_segment integer) returns int8range
    language sql immutable
    return int8range((job_id::int8 << 32) + first_segment, (job_id::int8 << 32) + end_segment);
create index units_spans on units using gist (unit_span(job_id, first_segment, end_segment)) where makes_segments;

create function units_apart() returns trigger language plpgsql as $$
begin
    if exists (
        select from units u
        where u.makes_segments and unit_span(u.job_id, u.first_segment, u.end_segment)
            && unit_span(new.job_id, new.first_segment, new.end_segment)
          and u.id <> new.id and u.renditions && new.renditions
    ) then
        raise exception 'a segment of job % would belong to two units', new.job_id using errcode = 'check_violation';
    end if;
    return null;
end
$$;
create trigger units_apart after insert or update of renditions, first_segment, end_segment on units
    for each row when (new.makes_segments) execute function units_apart();

create view job_progress as
select j.id as job_id, j.video_id, case j.state when 'done' then 1 else greatest(j.progress, u.made) end as progress
from jobs j
cross join lateral (
    select case when bool_or(kind in ('probe', 'survey') and state <> 'done') then 0 else coalesce(
        sum(cardinality(renditions) * case state when 'done' then end_segment - first_segment else done_segments end)
            filter (where makes_segments and not spare)::float8
        / nullif(sum(cardinality(renditions) * (end_segment - first_segment))
            filter (where makes_segments and not spare), 0), 0) end as made
    from units where job_id = j.id
) u;

alter table removals
    add column rendition text,
    add constraint removals_rendition_check check (rendition is null or generation is not null);
