-- A film in the catalogue. `generation` is the published one, 0 while nothing is; `search_text` is the case-folded title,
-- description and category, so that searching and sorting do not hang on the server's locale. `level_sound`: bring the
-- sound to the common loudness. `poster_revision`: which of `posters` it shows, 0 for the one that was found for it.
create table videos (
    id serial primary key,
    title varchar(255) not null check (title <> ''),
    description text not null default '',
    category varchar(100) not null default '',
    duration integer generated always as ((duration_ms + 500) / 1000) stored,
    duration_ms integer not null default 0 check (duration_ms between 0 and 2000000000),
    price_per_minute integer not null default 0 check (price_per_minute between 0 and 100000),
    filename varchar(255) not null,
    uploaded_by integer not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    status text not null check (status in ('uploading', 'queued', 'playable', 'ready', 'failed')),
    visibility text not null check (visibility in ('public', 'unlisted', 'private')),
    error_code text check ((error_code is not null) = (status = 'failed')),
    error_message text,
    generation integer not null default 0,
    playable_at timestamptz,
    ready_at timestamptz,
    poster boolean not null default false,
    view_count bigint not null default 0,
    source text not null unique,
    search_text text not null,
    level_sound boolean not null default true,
    storyboard boolean not null default false,
    poster_revision bigint not null default 0,
    -- the first of the film, which everybody may watch without paying
    preview_ms integer not null default 0 check (preview_ms between 0 and 3600000)
);
create index videos_newest on videos (created_at desc, id desc);
create index videos_by_uploader on videos (uploaded_by);

-- One tus upload. Bytes before `offset_bytes` are on disk. `writer` names the PATCH that may write until `lease_until`.
create table uploads (
    id text primary key,
    video_id integer not null unique references videos on delete cascade,
    size_bytes bigint not null check (size_bytes > 0),
    offset_bytes bigint not null default 0 check (offset_bytes between 0 and size_bytes),
    metadata text not null,
    writer text,
    lease_until timestamptz,
    expires_at timestamptz not null,
    finished_at timestamptz check (finished_at is null or offset_bytes = size_bytes)
);
create index uploads_expiry on uploads (expires_at);

-- Transcoding one video into `generation`; a retry opens the same job for the next generation. `progress` is what it
-- had come to when units were last opened: it never sinks.
create table jobs (
    id serial primary key,
    video_id integer not null unique references videos on delete cascade,
    state text not null default 'queued'
        check (state in ('queued', 'running', 'paused', 'done', 'failed', 'cancelled')),
    priority integer not null default 0 check (priority between -100 and 100),
    generation integer not null default 1,
    attempts integer not null default 1,
    plan jsonb not null default '{}',
    error_code text,
    error_message text,
    queued_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    progress float8 not null default 0 check (progress between 0 and 1)
);
create index jobs_newest on jobs (queued_at desc, id desc);

create table renditions (
    video_id integer not null references videos on delete cascade,
    generation integer not null,
    name text not null,
    kind text not null check (kind in ('video', 'audio', 'text', 'iframes')),
    width integer not null,
    height integer not null,
    bandwidth bigint not null,
    codecs text not null,
    language text not null,
    complete boolean not null default false,
    primary key (video_id, generation, name)
);

-- Whether a unit of a job may be worked at. Captions and posters also come later, beside a finished film.
create function claimable(job_state text, kind text) returns boolean language sql immutable
    return case job_state when 'done' then kind in ('captions', 'poster', 'copy', 'audio')
        else job_state in ('queued', 'running') and kind <> 'captions' end;

-- The piece one worker encodes: segments [first_segment, end_segment) of some renditions. Each claim raises `fence`.
-- `spare`: not wanted for the film, only by a viewer who asks; in the queue `held` nobody has. `heard_end`: where its
-- worker knows that it ends. `progressed_at`: when `done_segments` or `made_ms` last grew. `shunned_until`: not for
-- `worker` again before that.
create table units (
    id bigint generated always as identity primary key,
    job_id integer not null references jobs on delete cascade,
    kind text not null check (kind in (
        'probe', 'video', 'audio', 'copy', 'index', 'survey', 'loudness', 'extras', 'finish', 'captions', 'poster'
    )),
    queue text not null check (queue in ('interactive', 'batch', 'held')),
    renditions text[] not null default '{}',
    first_segment integer not null default 0 check (first_segment >= 0),
    end_segment integer not null default 0 check (end_segment >= first_segment),
    rank integer not null default 0,
    state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed')),
    fence bigint not null default 0,
    attempts integer not null default 0,
    worker text,
    lease_until timestamptz check ((lease_until is not null) = (state = 'running')),
    held_until timestamptz,
    done_segments integer not null default 0,
    speed real not null default 0,
    result jsonb not null default '{}',
    queued_at timestamptz not null default now(),
    seen_at timestamptz,
    makes_segments boolean not null generated always as (kind in ('video', 'audio', 'copy')) stored,
    spare boolean not null default false,
    heard_end integer not null default 0,
    made_ms bigint not null default 0 check (made_ms >= 0),
    progressed_at timestamptz not null default now(),
    shunned_until timestamptz,
    constraint units_held_check check (queue <> 'held' or (makes_segments and spare and state = 'queued')),
    constraint units_span_check check (
        not makes_segments or (cardinality(renditions) > 0 and end_segment > first_segment)
    ),
    constraint units_made_check check (
        not makes_segments or done_segments between 0 and end_segment - first_segment
    )
);
create index units_of_job on units (job_id, first_segment);
create index units_claimable on units (queue, rank) where state = 'queued';
create index units_leased on units (lease_until) where state = 'running';
create index units_by_worker on units (seen_at) where worker is not null;
create unique index units_once on units (job_id, kind)
    where kind in ('probe', 'index', 'survey', 'loudness', 'extras', 'finish');

-- Segments [first_segment, end_segment) of a job as a range that no other job's touches, so that one index finds it.
create function unit_span(job_id integer, first_segment integer, end_segment integer) returns int8range
    language sql immutable
    return int8range((job_id::int8 << 32) + first_segment, (job_id::int8 << 32) + end_segment);
create index units_spans on units using gist (unit_span(job_id, first_segment, end_segment)) where makes_segments;

-- Every segment of a rendition belongs to one unit of its job.
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

-- The share of segments made, over all renditions the film is known to need; 0 until the survey has said which.
create view job_progress as
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

-- Each change of captions or of a poster has a number of its own, by which it is known whether players have it.
create sequence revisions;

-- What the uploader sent, as plain WebVTT. `published`: the revision that players get, 0 while they get none.
create table captions (
    video_id integer not null references videos on delete cascade,
    language text not null check (language ~ '^[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}$'),
    label text not null check (label <> ''),
    sdh boolean not null,
    document text not null,
    revision bigint not null,
    published bigint not null default 0 check (published <= revision),
    primary key (video_id, language)
);

-- The poster somebody chose: a picture among the sources, or the film's own at a time.
create table posters (
    video_id integer primary key references videos on delete cascade,
    source text unique,
    at_ms integer check (at_ms >= 0),
    revision bigint not null,
    check ((source is null) <> (at_ms is null))
);

-- Files to be deleted once `due_at` is past, repeated until done; it is written before what it cleans up after.
-- A source alone, one generation of a video, one rendition of it, or (generation null) everything of a video, whose
-- sessions end first.
create table removals (
    id bigint generated always as identity primary key,
    video_id integer,
    generation integer,
    source text,
    sessions_ended boolean not null default true,
    created_at timestamptz not null default now(),
    due_at timestamptz not null default now(),
    rendition text,
    constraint removals_rendition_check check (rendition is null or generation is not null)
);
create index removals_due on removals (due_at);

-- When the sweep last rang for each queue, so that replicas do not ring on top of each other.
create table bells (
    queue text primary key check (queue in ('interactive', 'batch')),
    rung_at timestamptz not null default now()
);
insert into bells (queue) values ('interactive'), ('batch');
