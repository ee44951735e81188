-- A daily limit is kept in the wallet's own row: whoever charges holds its lock, and knows what today came to.
alter table account
    add column daily_micros bigint check (daily_micros > 0),
    -- what was spent on `spent_day` (UTC); kept up only where there is a limit
    add column spent_micros bigint not null default 0,
    add column spent_day date,
    add constraint account_limit_of_wallets check (kind = 'wallet' or daily_micros is null);
update account a
set daily_micros = l.daily_micros, spent_day = (now() at time zone 'utc')::date,
    spent_micros = (
        select coalesce(-sum(e.amount_micros), 0)
        from journal j
        join entry e on e.journal_id = j.id
        where e.account_id = a.id and j.kind in ('charge', 'forgiven', 'refund')
            and j.created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc'
    )
from spending_limit l
where a.kind = 'wallet' and a.owner = l.user_id;
drop table spending_limit;

alter table hold
    -- it is final, or spent, because of the daily limit: there would be money
    add column limited boolean not null default false,
    add column limited_told boolean not null default false;
drop index hold_untold;
create index hold_untold on hold (user_id)
    where state <> 'ended' and ((state = 'spent') <> spent_told or final <> final_told or limited <> limited_told);

-- The first `preview_ms` of the film are never charged (rule 6), as its uploader had it when the watch began.
alter table watch add column preview_ms bigint not null default 0 check (preview_ms >= 0);
