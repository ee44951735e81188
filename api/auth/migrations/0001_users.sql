-- Users with their password hashes, and the refresh tokens of their sign-ins.
create table users (
    id serial primary key,
    email varchar(255) unique not null,
    password varchar(255) not null,
    first_name varchar(100) not null,
    last_name varchar(100) not null,
    role varchar(20) not null default 'user' check (role in ('user', 'operator')),
    disabled boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table refresh_families (
    id uuid primary key,
    user_id integer not null references users on delete cascade
);

create index refresh_families_user on refresh_families (user_id);

create table refresh_tokens (
    token_hash bytea primary key check (length(token_hash) = 32),
    family_id uuid not null references refresh_families on delete cascade,
    expires_at timestamptz not null,
    spent_at timestamptz
);

create index refresh_tokens_family on refresh_tokens (family_id);
