-- The first of the film, which everybody may watch without paying.
alter table videos add column preview_ms integer not null default 0 check (preview_ms between 0 and 3600000);
