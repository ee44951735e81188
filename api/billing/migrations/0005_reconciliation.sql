-- Separate code checks the books against the fetch logs; here is what it found.

create table reconciliation (
    id bigint generated always as identity primary key,
    -- the day (UTC) that was over, or the only one that was looked at; null: everything, by hand
    day date,
    nightly boolean not null,
    -- watches opened before were not looked at
    since_ms bigint not null default 0 check (since_ms >= 0),
    -- the moment of the books that were read, and how far the meter had read the logs then
    through timestamptz,
    positions json,
    lines bigint not null default 0,
    sessions bigint not null default 0,
    watches bigint not null default 0,
    charges bigint not null default 0,
    journals bigint not null default 0,
    wallets bigint not null default 0,
    -- those that were not settled before; null until all is done
    differences bigint check (differences >= 0),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint reconciliation_finished check ((finished_at is null) = (differences is null)),
    constraint reconciliation_of_day check (day is not null or not nightly)
);
-- two sweepers check a day once
create unique index reconciliation_nightly on reconciliation (day) where nightly;

create table incident (
    id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    state text not null default 'open' check (state in ('open', 'closed')),
    outcome text check (outcome in ('refunded', 'absorbed', 'gone')),
    -- what the meter has, and what was derived from the logs
    recorded json not null,
    derived json not null,
    user_id bigint,
    video_id bigint,
    overcharged_micros bigint not null default 0 check (overcharged_micros >= 0),
    refunded_micros bigint not null default 0 check (refunded_micros >= 0),
    journal_id bigint references journal,
    found_by bigint not null references reconciliation,
    seen_by bigint not null references reconciliation,
    created_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint incident_once unique (kind, subject),
    constraint incident_closed check ((state = 'closed') = (outcome is not null) and (state = 'closed') = (closed_at is not null))
);
create index incident_open on incident (id) where state = 'open';
