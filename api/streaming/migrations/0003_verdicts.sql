-- What verdicts decide by beyond the end and the spent balance, and what tells that kept verdicts are out of date.

alter table stream_sessions
    -- nothing more can be held for it: each segment is judged by itself
    add column final boolean not null default false,
    -- the number of billing's last word on spent and final: an older one that arrives later is not heard
    add column word bigint not null default 0,
    -- when it ended or its money changed; null: never
    add column changed_at timestamptz,
    drop constraint stream_sessions_end_reason_check,
    add constraint stream_sessions_end_reason_check
        check (end_reason in ('ended', 'operator', 'silent', 'withdrawn', 'settled', 'disabled', 'deleted'));

create index stream_sessions_changed on stream_sessions (changed_at) where changed_at is not null;
