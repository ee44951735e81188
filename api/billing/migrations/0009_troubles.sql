-- Messages of providers that could not be heard, counted by reason: strangers send them too, so they make no rows.
create table message_failure (
    provider text not null,
    code text not null,
    times bigint not null default 1,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (provider, code)
);
create index payment_troubled on payment (created_at) where trouble is not null or taken_back_micros > 0;
