alter table videos
    add column storyboard boolean not null default false,
    add column poster_revision bigint not null default 0;

create sequence revisions;

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

create table posters (
    video_id integer primary key references videos on delete cascade,
    source text unique,
    at_ms integer check (at_ms >= 0),
    revision bigint not null,
    check ((source is null) <> (at_ms is null))
);
