-- Partitions of the detail by month, and what was asked of streaming by session too.

alter table told add column session_id text not null default '';

create function make_detail(month date) returns boolean language plpgsql as $$
declare
    label text := to_char(month, 'YYYYMM');
    starts timestamptz := month::timestamp at time zone 'UTC';
    ends timestamptz := (month + interval '1 month') at time zone 'UTC';
    first integer := extract(epoch from starts) / 60;
    last integer := extract(epoch from ends) / 60;
begin
    if to_regclass('session_minute_' || label) is not null
        or exists (select from session_minute_other where minute >= first and minute < last)
        or exists (select from incident_other where minute >= first and minute < last)
        or exists (select from rollup_minute_other where at >= starts and at < ends)
    then
        return false;
    end if;
    execute format('create table session_minute_%s partition of session_minute for values from (%s) to (%s)'
        || ' with (fillfactor = 70)', label, first, last);
    execute format('create table incident_%s partition of incident for values from (%s) to (%s)', label, first, last);
    execute format('create table rollup_minute_%s partition of rollup_minute for values from (%L) to (%L)', label,
        starts, ends);
    return true;
end
$$;

create function drop_detail(month date) returns integer language plpgsql as $$
declare
    starts timestamptz := month::timestamp at time zone 'UTC';
    first integer := extract(epoch from starts) / 60;
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
    delete from rollup_minute_other where at < starts;
    return dropped;
end
$$;
