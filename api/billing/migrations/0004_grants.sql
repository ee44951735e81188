-- What is only added to cannot be changed by grants either: the triggers say so to whoever is let through.

-- No grant binds a superuser, and some installations have no other login. From the next connection on, such a login
-- works here as a plain role that owns the database.
do $$
declare
    login name := current_user;
    plain name := left(current_database(), 54) || '_service';
    made record;
begin
    if not (select rolsuper from pg_roles where rolname = login) then
        return;
    end if;
    if not exists (select from pg_roles where rolname = plain) then
        execute format('create role %I nologin', plain);
    end if;
    execute format('alter database %I owner to %I', current_database(), plain);
    for made in
        select c.oid::regclass::text as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and (c.relkind in ('r', 'v') or c.relkind = 'S'
            and not exists (select from pg_depend d where d.objid = c.oid and d.deptype in ('a', 'i')))
    loop
        execute format('alter table %s owner to %I', made.name, plain);
    end loop;
    for made in select oid::regprocedure::text as name from pg_proc where pronamespace = 'public'::regnamespace loop
        execute format('alter function %s owner to %I', made.name, plain);
    end loop;
    execute format('alter role %I in database %I set role = %L', login, current_database(), plain);
    execute format('set local role %I', plain);
end $$;

revoke update, delete, truncate on journal, entry, money_request, refund from current_user;
-- Foreign keys lock the journal they point to, which takes the right to update something; an identity takes no value.
grant update (id) on journal to current_user;
