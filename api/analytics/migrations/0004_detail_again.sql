-- The variable `starts` was a column too.

create or replace function make_detail(month date) returns boolean language plpgsql as $$
declare
    label text := to_char(month, 'YYYYMM');
    opens timestamptz := month::timestamp at time zone 'UTC';
    closes timestamptz := (month + interval '1 month') at time zone 'UTC';
    first integer := extract(epoch from opens) / 60;
    last integer := extract(epoch from closes) / 60;
begin
    if to_regclass('session_minute_' || label) is not null
        or exists (select from session_minute_other where minute >= first and minute < last)
        or exists (select from incident_other where minute >= first and minute < last)
        or exists (select from rollup_minute_other where at >= opens and at < closes)
    then
        return false;
    end if;
    execute format('create table session_minute_%s partition of session_minute for values from (%s) to (%s)'
        || ' with (fillfactor = 70)', label, first, last);
    execute format('create table incident_%s partition of incident for values from (%s) to (%s)', label, first, last);
    execute format('create table rollup_minute_%s partition of rollup_minute for values from (%L) to (%L)', label,
        opens, closes);
    return true;
end
$$;

create or replace function drop_detail(month date) returns integer language plpgsql as $$
declare
    opens timestamptz := month::timestamp at time zone 'UTC';
    first integer := extract(epoch from opens) / 60;
    old record;
    dropped integer := 0;
begin
    update detail set kept_from = first where kept_from < first;
    for old in
        select oid::regclass as name from pg_class
        where relkind = 'r' and relname ~ '^(session_minute|incident|rollup_minute)_[0-9]{6}$'
            and right(relname, 6) < to_char(month, 'YYYYMM')
        order by relname
    loop
        execute format('drop table %s', old.name);
        dropped := dropped + 1;
    end loop;
    delete from session_minute_other where minute < first;
    delete from incident_other where minute < first;
    delete from rollup_minute_other where at < opens;
    return dropped;
end
$$;
