-- Creators are subjects of their own, detail lies in partitions that can be dropped, and what players and streaming tell
-- has its place: devices, countries, renditions, quality.

drop view platform_metrics;
drop view user_activities;
drop view video_analytics;

alter table video add column audio_only boolean not null default false;
alter table video add column bandwidths jsonb not null default '{}';

drop index session_live;
alter table session drop constraint session_video_id_fkey;
alter table session set (fillfactor = 70);

-- The detail before is of no known rendition.
create temporary table session_minute_before as select * from session_minute;
drop table session_minute;
create table session_minute (
    session_id text not null,
    video_id bigint not null,
    minute integer not null,
    rendition text not null,
    delivered int8multirange not null,
    primary key (session_id, video_id, minute, rendition)
) partition by range (minute);
create table session_minute_other partition of session_minute default with (fillfactor = 70);
create index session_minute_at on session_minute (minute);
insert into session_minute select session_id, video_id, minute, '', delivered from session_minute_before;
drop table session_minute_before;

create table incident (
    session_id text not null,
    video_id bigint not null,
    minute integer not null,
    kind text not null check (kind in ('error', 'starvation')),
    moments int8multirange not null,
    primary key (session_id, video_id, minute, kind)
) partition by range (minute);
create table incident_other partition of incident default;

create table detail (
    id integer primary key default 1 check (id = 1),
    kept_from integer not null
);
insert into detail (kept_from) values (0);

create temporary table rollup_before as select * from rollup;
drop table rollup;
create table rollup (
    grain_min smallint not null check (grain_min in (1, 15, 1440)),
    video_id bigint not null,
    at timestamptz not null,
    watch_ms bigint not null default 0,
    viewer_minutes bigint not null default 0,
    peak bigint not null default 0,
    starts bigint not null default 0,
    views bigint not null default 0,
    completions bigint not null default 0,
    own_starts bigint not null default 0,
    own_watch_ms bigint not null default 0,
    bits bigint not null default 0,
    bits_ms bigint not null default 0,
    charges bigint not null default 0,
    gross_micros bigint not null default 0,
    refund_micros bigint not null default 0,
    primary key (grain_min, video_id, at)
) partition by list (grain_min);
create index rollup_at on rollup (grain_min, at);
create table rollup_minute partition of rollup for values in (1) partition by range (at);
create table rollup_minute_other partition of rollup_minute default;
create table rollup_quarter partition of rollup for values in (15);
create table rollup_day partition of rollup for values in (1440);

with subjects as (
    select * from rollup_before
    union all
    select grain_min, -owner_id, at, watch_ms, viewer_minutes, starts, views, completions, charges, gross_micros,
        refund_micros
    from rollup_before join video using (video_id) where owner_id > 0
)
insert into rollup (grain_min, video_id, at, watch_ms, viewer_minutes, peak, starts, views, completions, charges,
    gross_micros, refund_micros)
select grain_min, video_id, at, sum(watch_ms), sum(viewer_minutes),
    case grain_min when 1 then sum(viewer_minutes) else 0 end, sum(starts), sum(views), sum(completions), sum(charges),
    sum(gross_micros), sum(refund_micros)
from subjects
group by grain_min, video_id, at;
update rollup set peak = (
    select coalesce(max(minute.viewer_minutes), 0) from rollup minute
    where minute.grain_min = 1 and minute.video_id = rollup.video_id and minute.at >= rollup.at
        and minute.at < rollup.at + rollup.grain_min * interval '1 minute'
)
where grain_min > 1;
drop table rollup_before;

insert into viewer (grain_min, video_id, at, user_id)
select distinct grain_min, -owner_id, at, user_id from viewer join video using (video_id) where owner_id > 0;

insert into retention (grain_min, video_id, at, steps)
select grain_min, subject, at, array_agg(delta order by step)
from (
    select grain_min, -owner_id as subject, at, step, sum(delta)::bigint as delta
    from retention join video using (video_id), unnest(steps) with ordinality as one (delta, step)
    where owner_id > 0
    group by grain_min, owner_id, at, step
) as summed
group by grain_min, subject, at;

create table quality (
    grain_min smallint not null check (grain_min in (15, 1440)),
    video_id bigint not null,
    at timestamptz not null,
    playbacks bigint not null default 0,
    startups bigint not null default 0,
    startup_ms bigint not null default 0,
    start_failures bigint not null default 0,
    stalls bigint not null default 0,
    stall_ms bigint not null default 0,
    dropped_frames bigint not null default 0,
    errors bigint not null default 0,
    starvations bigint not null default 0,
    throughputs bigint not null default 0,
    throughput_kbps bigint not null default 0,
    primary key (grain_min, video_id, at)
);

create table breakdown (
    grain_min smallint not null check (grain_min in (15, 1440)),
    video_id bigint not null,
    at timestamptz not null,
    kind text not null check (kind in ('device', 'browser', 'system', 'country', 'rendition', 'startup')),
    name text not null,
    starts bigint not null default 0,
    watch_ms bigint not null default 0,
    primary key (grain_min, video_id, at, kind, name)
);

create table breakdown_viewer (
    video_id bigint not null,
    at timestamptz not null,
    kind text not null,
    name text not null,
    user_id bigint not null,
    primary key (video_id, at, kind, name, user_id)
);

create table playback (
    session_id text primary key,
    video_id bigint not null,
    user_id bigint not null,
    started_at timestamptz not null,
    startup_ms bigint,
    stalls bigint not null,
    stall_ms bigint not null,
    dropped_frames bigint not null,
    counted boolean not null default false
);
create index playback_uncounted on playback (video_id) where not counted;
create index playback_of_user on playback (user_id);

create table told (
    id integer primary key default 1 check (id = 1),
    through timestamptz not null
);
insert into told (through) values ('2000-01-01Z');

create table client (
    session_id text not null,
    video_id bigint not null,
    user_id bigint not null,
    first_ms bigint not null,
    device text not null,
    browser text not null,
    system text not null,
    country text not null,
    throughput_kbps bigint,
    counted boolean not null,
    primary key (session_id, video_id)
);
create index client_uncounted on client (video_id) where not counted;
create index client_of_user on client (user_id);

create sequence forgotten_user start with 1;

create view video_analytics as
select
    video.video_id as id,
    video.video_id,
    coalesce(sum(views), 0)::bigint as total_views,
    coalesce(sum(watch_ms), 0)::bigint / 1000 as total_watch_time,
    coalesce(sum(gross_micros - refund_micros), 0)::bigint / minor_micros as total_revenue,
    coalesce(round(100.0 * sum(completions) / nullif(sum(views), 0), 2), 0)::numeric(5, 2) as completion_rate,
    min(rollup.at) as created_at,
    max(rollup.at) as updated_at
from video
cross join currency
left join rollup on rollup.grain_min = 1440 and rollup.video_id = video.video_id
group by video.video_id, minor_micros;

create view user_activities as
select
    row_number() over (order by first_at, session_id, session.video_id) as id,
    session.user_id,
    session.video_id,
    delivered_ms / 1000 as watch_time,
    coalesce(money.micros, 0)::bigint / minor_micros as revenue,
    session.session_id,
    first_at as created_at
from session
cross join currency
left join lateral (
    select sum(case type when 'charge' then amount_micros else -amount_micros end) as micros
    from event
    where event.session_id = session.session_id and event.video_id = session.video_id
) as money on true;

create view platform_metrics as
select
    row_number() over (order by at) as id,
    (at at time zone 'UTC')::date as metric_date,
    views as total_views,
    (
        select count(*) from viewer
        where viewer.grain_min = 1440 and viewer.video_id = 0 and viewer.at = rollup.at
    ) as total_users,
    (gross_micros - refund_micros) / minor_micros as total_revenue,
    watch_ms / 1000 as total_watch_time,
    at as created_at
from rollup
cross join currency
where grain_min = 1440 and video_id = 0;
