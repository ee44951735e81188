-- What users allow themselves to spend on a day (UTC).
create table spending_limit (
    user_id bigint primary key,
    daily_micros bigint not null check (daily_micros > 0),
    updated_at timestamptz not null default now()
);
