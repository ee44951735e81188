-- The money is not gone: the user's own daily limit is reached.
alter table stream_sessions add column limited boolean not null default false;
-- The first of the film, which may be fetched without money; as billing has it for this session.
alter table stream_sessions add column preview_ms bigint not null default 0 check (preview_ms >= 0);
