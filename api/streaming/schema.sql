-- The whole truth of the database streamify_streaming; the migrations give exactly this.

-- One playback. Columns down to created_at are those of the original system.
create table stream_sessions (
    id bigint generated always as identity primary key,
    session_id varchar(255) not null unique,
    video_id bigint not null,
    user_id bigint not null,
    start_time timestamptz not null default now(),
    -- seconds of media delivered and not forgiven, known once settled
    watched_time integer not null default 0 check (watched_time >= 0),
    is_active boolean not null default true,
    last_heartbeat timestamptz not null default now(),
    created_at timestamptz not null default now(),
    generation integer not null check (generation > 0),
    duration_ms bigint not null check (duration_ms >= 0),
    price_per_minute bigint not null check (price_per_minute >= 0),
    -- billing said that the money is gone: verdicts refuse until it says otherwise
    spent boolean not null default false,
    -- the last heartbeat or verdict; verdicts are noted every ten to fifteen seconds
    last_seen timestamptz not null default now(),
    -- what the player last told
    position_ms bigint not null default 0,
    playing boolean,
    fastest_rate double precision not null default 1,
    rendition varchar(40),
    buffer_ms integer,
    stalls integer,
    stall_ms integer,
    startup_ms integer,
    dropped_frames integer,
    -- the end and the bill; an ended session is owed to billing until settled_at is set
    ended_at timestamptz,
    end_reason varchar(20)
        check (end_reason in ('ended', 'operator', 'silent', 'withdrawn', 'settled', 'disabled', 'deleted')),
    settle_tries integer not null default 0,
    settle_after timestamptz not null default now(),
    settled_at timestamptz,
    delivered_ms bigint not null default 0,
    forgiven_ms bigint not null default 0,
    charged bigint not null default 0,
    -- nothing more can be held for it: each segment is judged by itself
    final boolean not null default false,
    -- the number of billing's last word on spent and final: an older one that arrives later is not heard
    word bigint not null default 0,
    -- when it ended or its money changed; null: never
    changed_at timestamptz,
    -- the money is not gone: the user's own daily limit is reached
    limited boolean not null default false,
    -- the first of the film, which may be fetched without money; as billing has it for this session
    preview_ms bigint not null default 0 check (preview_ms >= 0),
    check (is_active = (ended_at is null)),
    check (is_active = (end_reason is null)),
    check (settled_at is null or not is_active)
) with (fillfactor = 80);

-- last_seen stays out of every index, so that noting a heartbeat touches none of them.
create index stream_sessions_live on stream_sessions (user_id) where is_active;
create index stream_sessions_owed on stream_sessions (settle_after) where not is_active and settled_at is null;
create index stream_sessions_changed on stream_sessions (changed_at) where changed_at is not null;
create index stream_sessions_of_user on stream_sessions (user_id, id);

-- Where a user goes on with a video; 0 once it was seen to the end.
create table resume_positions (
    user_id bigint not null,
    video_id bigint not null,
    position_ms bigint not null check (position_ms >= 0),
    updated_at timestamptz not null default now(),
    primary key (user_id, video_id)
);

-- Users whose sessions were ended because they were disabled: an access token they still hold starts no new one.
create table revoked_users (
    user_id bigint primary key,
    revoked_at timestamptz not null default now()
);
