-- Users whose sessions were ended because they were disabled: an access token they still hold starts no new one.
create table revoked_users (
    user_id bigint primary key,
    revoked_at timestamptz not null default now()
);
