-- Facts of the videos service. known_at is null while fetches or charges were seen and videos has not answered yet;
-- owner_id and duration_ms are 0 while unknown, and for ever if the video was gone before anybody asked. bandwidths: bit/s
-- by rendition.
create table video (
    video_id bigint primary key,
    title text not null default '',
    owner_id bigint not null default 0,
    duration_ms bigint not null default 0,
    known_at timestamptz,
    audio_only boolean not null default false,
    bandwidths jsonb not null default '{}'
);
create index video_owner on video (owner_id);
create index video_unknown on video (video_id) where known_at is null;

-- How far each stream was read; read_at is the time of its newest line.
create table log_position (
    stream text primary key,
    generation integer not null,
    end_offset bigint not null,
    read_at timestamptz not null
);

-- Lines that were no fetches, by reason.
create table rejected (
    reason text primary key,
    lines bigint not null,
    last_at timestamptz not null default now()
);

-- One playback as delivered. counted: its numbers are in the rollups (they wait until the video is known).
-- qualified: long enough to be a view; completed: 90 % of the film. Both stay false for the owner's own playbacks.
create table session (
    session_id text not null,
    video_id bigint not null,
    user_id bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    delivered int8multirange not null,
    delivered_ms bigint not null,
    counted boolean not null,
    qualified boolean not null,
    completed boolean not null,
    primary key (session_id, video_id)
) with (fillfactor = 70);
create index session_history on session (user_id, first_at desc, session_id desc);
create index session_viewing on session (video_id, user_id, first_at) where qualified;
create index session_uncounted on session (video_id) where not counted;

-- The part of a session's film that was first delivered in a minute (minutes since 1970), by rendition: what came twice
-- in a minute belongs to the better one. Empty if all was seen before. This and `incident` are the detail: partitions by
-- month are made and dropped as time passes (api/analytics/detail.py), whatever has none lies in the default one.
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

-- Moments (ms since 1970) of a session at which a segment was answered with an error, or its player said it ran dry.
create table incident (
    session_id text not null,
    video_id bigint not null,
    minute integer not null,
    kind text not null check (kind in ('error', 'starvation')),
    moments int8multirange not null,
    primary key (session_id, video_id, minute, kind)
) partition by range (minute);
create table incident_other partition of incident default;

-- The minute from which on detail is kept; lines from before it are late.
create table detail (
    id integer primary key default 1 check (id = 1),
    kept_from integer not null
);
insert into detail (kept_from) values (0);

-- Views: one per video, user and hour (UTC), at the start of the earliest qualified session of that hour.
create table viewing (
    video_id bigint not null,
    user_id bigint not null,
    hour timestamptz not null,
    at timestamptz not null,
    completed boolean not null,
    primary key (video_id, user_id, hour)
);

-- Sums per subject and bucket of 1, 15 or 1440 minutes (UTC). Subjects: a video; 0, the whole platform; -owner_id, all
-- videos of a creator. Every border of a time zone in use falls on a quarter of an hour, so a range in any zone is whole
-- days plus quarters, exactly. peak is the greatest viewer_minutes of the bucket's minutes; bits were delivered in bits_ms
-- of watch_ms; the owner's own playbacks are in own_ columns only. Minutes are detail, with partitions by month.
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

-- Sets of users per bucket, because distinct users of two days do not add up.
create table viewer (
    grain_min smallint not null check (grain_min in (15, 1440)),
    video_id bigint not null,
    at timestamptz not null,
    user_id bigint not null,
    primary key (grain_min, video_id, at, user_id)
);

-- Retention as a difference array of 101 steps: the running sum up to b is how many sessions covered the b-th hundredth.
create table retention (
    grain_min smallint not null check (grain_min in (15, 1440)),
    video_id bigint not null,
    at timestamptz not null,
    steps bigint[] not null,
    primary key (grain_min, video_id, at)
);

-- How playbacks went, per subject and bucket: what players told of ended ones, by their start; errors, starvations and
-- throughput from the logs.
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

-- Playbacks by device, country, rendition and the like; `startup` counts them by the time to the first picture, `name`
-- is the upper bound in ms.
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

-- Who is behind a row of devices or countries on a day: counts of few are not shown to creators.
create table breakdown_viewer (
    video_id bigint not null,
    at timestamptz not null,
    kind text not null,
    name text not null,
    user_id bigint not null,
    primary key (video_id, at, kind, name, user_id)
);

-- What the player told of an ended playback, heard from streaming. startup_ms is null when no picture ever came.
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

-- How far streaming was asked about ended playbacks.
create table told (
    id integer primary key default 1 check (id = 1),
    through timestamptz not null,
    session_id text not null default ''
);
insert into told (through) values ('2000-01-01Z');

-- What a session's requests said of its player, by the earliest; throughput is the best.
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

-- Users who were erased go on as numbers below zero, so that totals and distinct counts stay.
create sequence forgotten_user start with 1;

-- Money facts from billing's outbox, each once.
create table event (
    id text primary key,
    type text not null check (type in ('charge', 'refund')),
    session_id text not null,
    user_id bigint not null,
    video_id bigint not null,
    creator_id bigint not null,
    amount_micros bigint not null check (amount_micros >= 0),
    at timestamptz not null,
    received_at timestamptz not null default now()
);
create index event_session on event (session_id, video_id);

-- Reports of closed periods as first given: they never change afterwards. scope is 'platform' or 'owner:<id>'.
create table closed_report (
    scope text not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    tz text not null,
    step text not null,
    body jsonb not null,
    created_at timestamptz not null default now(),
    primary key (scope, start_at, end_at, tz, step)
);

-- Micro-units of one minor unit of the platform's currency, for the views below; written when the service starts.
create table currency (
    id integer primary key default 1 check (id = 1),
    minor_micros bigint not null
);
insert into currency (minor_micros) values (10000);

-- Makes the detail's partitions of a month; false when they are there, or rows that came before them.
create function make_detail(month date) returns boolean language plpgsql as $$
declare
    label text := to_char(month, 'YYYYMM');
    opens timestamptz := month::timestamp at time zone 'UTC';
    closes timestamptz := (month + interval '1 month') at time zone 'UTC';
    first integer := extract(epoch from opens) / 60;
    last integer := extract(epoch from closes) / 60;
begin
    if to_regclass('session_minute_' || label) is not null
        or exists (select from session_minute_other where minute >= first and minute < last)
        or exists (select from incident_other where minute >= first and minute < last)
        or exists (select from rollup_minute_other where at >= opens and at < closes)
    then
        return false;
    end if;
    execute format('create table session_minute_%s partition of session_minute for values from (%s) to (%s)'
        || ' with (fillfactor = 70)', label, first, last);
    execute format('create table incident_%s partition of incident for values from (%s) to (%s)', label, first, last);
    execute format('create table rollup_minute_%s partition of rollup_minute for values from (%L) to (%L)', label,
        opens, closes);
    return true;
end
$$;

-- Drops the detail from before a month, and refuses what comes late for it; gives the number of partitions.
create function drop_detail(month date) returns integer language plpgsql as $$
declare
    opens timestamptz := month::timestamp at time zone 'UTC';
    first integer := extract(epoch from opens) / 60;
    old record;
    dropped integer := 0;
begin
    update detail set kept_from = first where kept_from < first;
    for old in
        select oid::regclass as name from pg_class
        where relkind = 'r' and relname ~ '^(session_minute|incident|rollup_minute)_[0-9]{6}$'
            and right(relname, 6) < to_char(month, 'YYYYMM')
        order by relname
    loop
        execute format('drop table %s', old.name);
        dropped := dropped + 1;
    end loop;
    delete from session_minute_other where minute < first;
    delete from incident_other where minute < first;
    delete from rollup_minute_other where at < opens;
    return dropped;
end
$$;

-- The original tables, read from the exact ones: watch time in seconds, revenue in minor units, percentages.
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
