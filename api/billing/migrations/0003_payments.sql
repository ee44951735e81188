-- Payments and what providers say of them; refunds, adjustments, earnings, payouts; keys of money requests kept for ever.

-- `payable`: what a creator may take out, with a live balance as wallets have; `receivable`: what a user owes after a
-- payment was taken back.
alter table account drop constraint account_kind_check;
alter table account add constraint account_kind_check check (kind in ('wallet', 'creator', 'revenue', 'payable',
    'receivable', 'adjusted', 'clearing_test', 'clearing_stripe', 'clearing_payout', 'uncollected', 'writeoff'));
alter table account drop constraint account_balance_of_wallets;
alter table account add constraint account_balance_of_wallets
    check ((kind in ('wallet', 'payable')) = (balance_micros is not null));
alter table account drop constraint account_held_of_wallets;
alter table account add constraint account_held_of_wallets
    check ((kind in ('wallet', 'payable')) = (held_micros is not null));

alter table journal drop constraint journal_kind_check;
alter table journal add constraint journal_kind_check check (kind in ('deposit', 'charge', 'forgiven', 'uncollected',
    'refund', 'adjustment', 'chargeback', 'reinstated', 'recovery', 'payout_earning', 'payout', 'payout_returned'));
-- the session that is refunded; why, in the words its user reads
alter table journal add session_id text;
alter table journal add reason text;
alter table journal add constraint journal_refund_of_session check ((kind = 'refund') = (session_id is not null));
alter table journal add constraint journal_reversal
    check ((kind in ('chargeback', 'reinstated', 'payout_returned')) = (reverses is not null));
create index journal_of_session on journal (session_id) where session_id is not null;
create index journal_reversing on journal (reverses) where reverses is not null;
-- earnings are summed up by day
create index journal_by_time on journal (created_at);

-- What was taken can be given back once. A refund's original are the charges of its session.
create function check_reversals() returns trigger language plpgsql as $$
declare
    made record;
    paid hold;
    back record;
begin
    for made in
        select id, kind, reverses, session_id from journal
        where id in (select journal_id from added) and (kind = 'refund' or reverses is not null)
        order by id
    loop
        if made.kind = 'refund' then
            select * into paid from hold where session_id = made.session_id for no key update;
            select coalesce(sum(e.amount_micros) filter (where a.id = paid.account_id), 0) as wallet,
                coalesce(-sum(e.amount_micros) filter (where a.kind = 'creator' and a.owner = paid.creator_id), 0) as creator,
                coalesce(-sum(e.amount_micros) filter (where a.kind = 'revenue' and a.owner = paid.creator_id), 0) as revenue,
                coalesce(sum(abs(e.amount_micros)), 0) as moved
            into back
            from journal j join entry e on e.journal_id = j.id join account a on a.id = e.account_id
            where j.kind = 'refund' and j.session_id = made.session_id;
            if paid.session_id is null or back.wallet <> back.creator + back.revenue or back.moved <> 2 * back.wallet
                or back.wallet not between 0 and paid.charged_micros
                or back.creator not between 0 and paid.creator_micros
                or back.revenue not between 0 and paid.charged_micros - paid.creator_micros then
                raise exception 'a refund mirrors its session, up to what that cost' using errcode = 'check_violation';
            end if;
        else
            perform from journal where id = made.reverses for no key update;
            if not exists (
                select from entry where journal_id = made.id
                    and account_id in (select account_id from entry where journal_id = made.reverses)
            ) or exists (
                select from (
                    select account_id, sum(amount_micros) as amount from entry where journal_id = made.reverses group by 1
                ) o join (
                    select e.account_id, sum(e.amount_micros) as amount
                    from journal j join entry e on e.journal_id = j.id where j.reverses = made.reverses group by 1
                ) r using (account_id)
                where r.amount <> 0 and ((r.amount > 0) = (o.amount > 0) or abs(r.amount) > abs(o.amount))
            ) then
                raise exception 'a reversal mirrors its original, up to its amount' using errcode = 'check_violation';
            end if;
        end if;
    end loop;
    return null;
end $$;

create trigger entry_reverses after insert on entry
    referencing new table as added for each statement execute function check_reversals();

-- What a money request was answered with, under the key its user gave it.
create table money_request (
    user_id bigint not null,
    idem_key text not null check (length(idem_key) between 1 and 200),
    action text not null,
    body_sha256 bytea not null check (length(body_sha256) = 32),
    -- null: the answer is that of the payment opened then
    answer json,
    created_at timestamptz not null default now(),
    primary key (user_id, idem_key)
);
create trigger money_request_append_only before update or delete or truncate on money_request
    for each statement execute function refuse_change();

-- Money on its way in. What its provider says of it is asked for, never believed from a message.
create table payment (
    id text primary key check (id ~ '^pay_[0-9a-f]{32}$'),
    provider text not null check (provider in ('test', 'stripe')),
    -- the provider's name for it, and where its payer goes; null until the provider has answered
    reference text,
    checkout_url text,
    user_id bigint not null,
    idem_key text not null,
    amount_micros bigint not null check (amount_micros > 0),
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    state text not null default 'created' check (state in ('created', 'pending', 'settled', 'failed', 'expired')),
    -- the deposit
    journal_id bigint references journal,
    -- disputed or refunded at the provider
    taken_back_micros bigint not null default 0 check (taken_back_micros between 0 and amount_micros),
    -- one more with everything learnt of it
    version integer not null default 0,
    -- what an operator must look at: the provider speaks of another amount
    trouble text,
    -- when to ask the provider again; null: no more
    ask_after timestamptz,
    asked integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint payment_once unique (user_id, idem_key),
    constraint payment_reference unique (provider, reference),
    constraint payment_settled_is_booked check ((state = 'settled') = (journal_id is not null)),
    constraint payment_taken_back_after_settled check (taken_back_micros = 0 or state = 'settled')
);
create index payment_doubtful on payment (ask_after) where ask_after is not null;
create index payment_of_user on payment (user_id, created_at);

create function keep_settled() returns trigger language plpgsql as $$
begin
    if old.state = 'settled' and (new.state, new.journal_id, new.amount_micros, new.user_id)
            is distinct from (old.state, old.journal_id, old.amount_micros, old.user_id) then
        raise exception 'a settled payment stays settled' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger payment_settled_once before update on payment for each row execute function keep_settled();

-- Deposits made before there were payments.
insert into payment (id, provider, user_id, idem_key, amount_micros, currency, state, journal_id, created_at, updated_at)
select 'pay_' || md5(j.idem_key), 'test', a.owner, substr(j.idem_key, length('deposit ' || a.owner || ' ') + 1),
    e.amount_micros, a.currency, 'settled', j.id, j.created_at, j.created_at
from journal j
join entry e on e.journal_id = j.id
join account a on a.id = e.account_id and a.kind = 'wallet'
where j.kind = 'deposit';

-- Messages of providers that were heard.
create table payment_message (
    provider text not null,
    message_id text not null,
    kind text not null,
    payment_id text references payment,
    heard_at timestamptz not null default now(),
    primary key (provider, message_id)
);

-- The embedded test provider's own books: no real money moves.
create table test_checkout (
    reference text primary key,
    payment_id text not null unique,
    amount bigint not null check (amount > 0),
    currency text not null,
    state text not null default 'open' check (state in ('open', 'processing', 'paid', 'declined', 'expired')),
    taken_back bigint not null default 0 check (taken_back between 0 and amount),
    -- while processing: when it is paid
    pays_at timestamptz,
    created_at timestamptz not null default now()
);
create table test_message (
    id bigint generated always as identity primary key,
    message_id text not null,
    reference text not null references test_checkout,
    kind text not null,
    deliver_at timestamptz not null,
    tries integer not null default 0
);
create index test_message_due on test_message (deliver_at);

-- Refunds granted, and by which rule; what a month may still give is counted here.
create table refund (
    id bigint generated always as identity primary key,
    journal_id bigint not null unique references journal,
    session_id text not null references hold,
    user_id bigint not null,
    rule text not null check (rule in ('operator', 'startup_failure', 'stalling')),
    granted_by bigint not null,
    amount_micros bigint not null check (amount_micros > 0),
    creator_micros bigint not null check (creator_micros between 0 and amount_micros),
    media_ms bigint not null check (media_ms >= 0),
    created_at timestamptz not null default now()
);
create index refund_of_user on refund (user_id, created_at);
create index refund_of_session on refund (session_id);
create trigger refund_append_only before update or delete or truncate on refund
    for each statement execute function refuse_change();

-- What creators earned on closed days (UTC), refunds taken off; `matured`: moved to what they may take out.
create table earning_day (
    account_id bigint not null references account,
    day date not null,
    amount_micros bigint not null,
    matured boolean not null default false,
    primary key (account_id, day)
);
create index earning_day_waiting on earning_day (day) where not matured;
create table closed_day (
    day date primary key,
    closed_at timestamptz not null default now()
);

-- Money on its way out.
create table payout (
    id bigint generated always as identity primary key,
    user_id bigint not null,
    amount_micros bigint not null check (amount_micros > 0),
    currency text not null,
    state text not null default 'requested' check (state in ('requested', 'paid', 'returned')),
    -- the bank's or provider's words for it, from the operator who sent it
    reference text,
    journal_id bigint not null unique references journal,
    returned_by bigint unique references journal,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint payout_returned_is_booked check ((state = 'returned') = (returned_by is not null))
);
create index payout_of_user on payout (user_id, id);

-- Wallets and what creators may take out; the charges of a session are one transaction that grows while it plays.
create or replace view transactions as
select e.id, a.owner as user_id, e.amount_micros / a.minor_micros as amount,
    case when j.kind in ('chargeback', 'reinstated', 'recovery') then 'adjustment'
        when j.kind = 'payout_returned' then 'payout' else j.kind end as transaction_type,
    coalesce(j.reason, initcap(replace(j.kind, '_', ' '))) as description,
    j.session_id, j.created_at, e.amount_micros, h.video_id, e.balance_after / a.minor_micros as balance_after
from entry e
join account a on a.id = e.account_id and a.kind in ('wallet', 'payable')
join journal j on j.id = e.journal_id
left join hold h on h.session_id = j.session_id
where e.session_id is null
union all
select h.id, h.user_id, -h.charged_micros / a.minor_micros, 'charge',
    format('Playback of video %s', h.video_id), h.session_id, h.created_at,
    -h.charged_micros, h.video_id, h.balance_after / a.minor_micros
from hold h
join account a on a.id = h.account_id
where h.charged_micros <> 0;
