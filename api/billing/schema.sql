-- The whole truth of the database streamify_billing; the migrations give exactly this.
-- Money is bigint micro-units, media time bigint milliseconds, `opened_ms` nginx's clock (ms since 1970).

-- What the original API calls a transaction is an entry or a session here, so both draw their ids from one sequence.
create sequence ledger_id;
-- Numbers what streaming is told, so that what arrives late is known to be old.
create sequence word_number;

-- Wallets, and what creators may take out, have a live balance and are locked to change it. The others are only added to: their balance is the sum of
-- their entries, so that no popular creator and no platform account is a hot row.
create table account (
    id bigint generated always as identity primary key,
    -- payable: what a creator may take out; receivable: what a user owes after a payment was taken back
    kind text not null check (kind in ('wallet', 'creator', 'revenue', 'payable', 'receivable', 'adjusted',
        'clearing_test', 'clearing_stripe', 'clearing_payout', 'uncollected', 'writeoff')),
    -- the user of a wallet, payable or receivable; the creator whose share (creator) or whose films' remainder
    -- (revenue) it is; else 0
    owner bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    minor_micros bigint not null check (minor_micros > 0),
    balance_micros bigint,
    held_micros bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    -- wallets only: what their users allow themselves to spend on a day (UTC)
    daily_micros bigint check (daily_micros > 0),
    -- what was spent on `spent_day`; kept up only where there is a limit
    spent_micros bigint not null default 0,
    spent_day date,
    constraint account_of_owner unique (kind, owner, currency),
    constraint account_balance_of_wallets check ((kind in ('wallet', 'payable')) = (balance_micros is not null)),
    constraint account_held_of_wallets check ((kind in ('wallet', 'payable')) = (held_micros is not null)),
    constraint account_limit_of_wallets check (kind = 'wallet' or daily_micros is null),
    constraint account_never_negative check (balance_micros >= 0),
    constraint account_held_within_balance check (held_micros between 0 and balance_micros)
) with (fillfactor = 70);

-- One movement of money; its entries sum to zero. `idem_key` says what caused it, so nothing is caused twice.
create table journal (
    id bigint generated always as identity primary key,
    idem_key text not null constraint journal_once unique,
    kind text not null check (kind in ('deposit', 'charge', 'forgiven', 'uncollected', 'refund', 'adjustment',
        'chargeback', 'reinstated', 'recovery', 'payout_earning', 'payout', 'payout_returned')),
    reverses bigint references journal,
    effective_at timestamptz not null,
    created_at timestamptz not null default now(),
    -- the session that is refunded; why, in the words its user reads
    session_id text,
    reason text,
    constraint journal_refund_of_session check ((kind = 'refund') = (session_id is not null)),
    constraint journal_reversal
        check ((kind in ('chargeback', 'reinstated', 'payout_returned')) = (reverses is not null))
);
create index journal_of_session on journal (session_id) where session_id is not null;
create index journal_reversing on journal (reverses) where reverses is not null;
-- earnings are summed up by day
create index journal_by_time on journal (created_at);

create table entry (
    id bigint primary key default nextval('ledger_id'),
    journal_id bigint not null references journal,
    account_id bigint not null references account,
    amount_micros bigint not null check (amount_micros <> 0),
    -- wallets only
    balance_after bigint,
    -- the session a wallet was charged for
    session_id text
);
create index entry_of_journal on entry (journal_id);
create index entry_of_account on entry (account_id, id);
create index entry_without_session on entry (account_id, id) where session_id is null;

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: the ledger is only added to', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;

create trigger journal_append_only before update or delete or truncate on journal
    for each statement execute function refuse_change();
create trigger entry_append_only before update or delete or truncate on entry
    for each statement execute function refuse_change();

create function check_entries() returns trigger language plpgsql as $$
begin
    if exists (select from added group by journal_id having sum(amount_micros) <> 0) then
        raise exception 'a journal must sum to zero' using errcode = 'check_violation';
    end if;
    if (select count(*) from entry e where e.journal_id in (select journal_id from added))
            <> (select count(*) from added) then
        raise exception 'a journal is written in one statement' using errcode = 'check_violation';
    end if;
    if exists (
        select from (select distinct on (account_id) account_id, balance_after from added order by account_id, id desc) e
        join account a on a.id = e.account_id
        where a.balance_micros is distinct from e.balance_after
    ) then
        raise exception 'a wallet''s last entry must give its balance' using errcode = 'check_violation';
    end if;
    return null;
end $$;

create trigger entry_checked after insert on entry
    referencing new table as added for each statement execute function check_entries();

-- One user's 24 hours on one video at one price: what was delivered, as a set, and what became of its price.
create table watch (
    id bigint generated always as identity primary key,
    user_id bigint not null,
    video_id bigint not null,
    price_micros_per_minute bigint not null check (price_micros_per_minute >= 0),
    creator_bps integer not null check (creator_bps between 0 and 10000),
    -- its first fetch; null until there is one
    opened_ms bigint,
    seen int8multirange not null default '{}',
    seen_ms bigint not null default 0 check (seen_ms >= 0),
    -- what a service claimed by POST /api/billing/charge
    claimed_ms bigint not null default 0 check (claimed_ms >= 0),
    forgiven_ms bigint not null default 0 check (forgiven_ms between 0 and 30000),
    forgiven_session text,
    charged_micros bigint not null default 0 check (charged_micros >= 0),
    uncollected_micros bigint not null default 0 check (uncollected_micros >= 0),
    creator_micros bigint not null default 0 check (creator_micros between 0 and charged_micros),
    -- rule 6: the first of the film, never charged, as its uploader had it when the watch began
    preview_ms bigint not null default 0 check (preview_ms >= 0),
    constraint watch_once unique nulls not distinct (user_id, video_id, price_micros_per_minute, opened_ms)
) with (fillfactor = 70);

-- Billing's side of one session: the money set aside for its next minutes, and what it delivered and cost.
create table hold (
    id bigint not null unique default nextval('ledger_id'),
    session_id text primary key,
    account_id bigint not null references account,
    watch_id bigint not null references watch,
    user_id bigint not null,
    video_id bigint not null,
    creator_id bigint not null,
    -- 0: free
    price_micros_per_minute bigint not null check (price_micros_per_minute >= 0),
    -- of the film; 0: not known
    duration_ms bigint not null check (duration_ms >= 0),
    audio_only boolean not null,
    state text not null default 'open' check (state in ('open', 'spent', 'ended')),
    -- nothing more can be held: the last seconds play out
    final boolean not null default false,
    held_micros bigint not null default 0 check (held_micros >= 0),
    -- with neither fetch nor heartbeat until then, the money goes back; null: it has
    expires_at timestamptz,
    delivered int8multirange not null default '{}',
    delivered_ms bigint not null default 0 check (delivered_ms >= 0),
    -- what it was the first to bring into its watch
    added_ms bigint not null default 0 check (added_ms >= 0),
    -- the most that can have been played; null until the session has ended
    played_ms bigint check (played_ms >= 0),
    forgiven_ms bigint not null default 0 check (forgiven_ms >= 0),
    charged_micros bigint not null default 0,
    creator_micros bigint not null default 0,
    balance_after bigint not null default 0,
    -- the last word streaming heard about it, with final_told
    spent_told boolean not null default false,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    final_told boolean not null default false,
    -- it is final, or spent, because of the daily limit: there would be money
    limited boolean not null default false,
    limited_told boolean not null default false,
    constraint hold_nothing_after_end check (state <> 'ended' or (held_micros = 0 and expires_at is null))
) with (fillfactor = 70);
create index hold_of_user on hold (user_id, id);
create index hold_live on hold (account_id) where expires_at is not null;
create index hold_expiring on hold (expires_at) where expires_at is not null;
create index hold_untold on hold (user_id)
    where state <> 'ended' and ((state = 'spent') <> spent_told or final <> final_told or limited <> limited_told);

-- Charges and their reversals that analytics has not heard of.
create table outbox (
    journal_id bigint primary key references journal
);

-- How far each fetch stream has taken effect, in the same transaction as its effects.
create table log_position (
    stream text primary key,
    generation bigint not null,
    byte_offset bigint not null
);

-- Lines that were not billed because something is wrong with them.
create table rejected_line (
    stream text not null,
    generation bigint not null,
    byte_offset bigint not null,
    reason text not null,
    line text not null,
    created_at timestamptz not null default now(),
    -- how many of them there are, one behind the other and for the same reason; `line` is the first
    lines bigint not null default 1 check (lines > 0),
    primary key (stream, generation, byte_offset)
);

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
create index payment_troubled on payment (created_at) where trouble is not null or taken_back_micros > 0;

create function keep_settled() returns trigger language plpgsql as $$
begin
    if old.state = 'settled' and (new.state, new.journal_id, new.amount_micros, new.user_id)
            is distinct from (old.state, old.journal_id, old.amount_micros, old.user_id) then
        raise exception 'a settled payment stays settled' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger payment_settled_once before update on payment for each row execute function keep_settled();

-- Messages of providers that were heard.
create table payment_message (
    provider text not null,
    message_id text not null,
    kind text not null,
    payment_id text references payment,
    heard_at timestamptz not null default now(),
    primary key (provider, message_id)
);

-- Messages of providers that could not be heard, counted by reason: strangers send them too, so they make no rows.
create table message_failure (
    provider text not null,
    code text not null,
    times bigint not null default 1,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    primary key (provider, code)
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

-- What separate code found when it checked the books against the fetch logs.
create table reconciliation (
    id bigint generated always as identity primary key,
    -- the day (UTC) that was over, or the only one that was looked at; null: everything, by hand
    day date,
    nightly boolean not null,
    -- watches opened before were not looked at
    since_ms bigint not null default 0 check (since_ms >= 0),
    -- the moment of the books that were read, and how far the meter had read the logs then
    through timestamptz,
    positions json,
    lines bigint not null default 0,
    sessions bigint not null default 0,
    watches bigint not null default 0,
    charges bigint not null default 0,
    journals bigint not null default 0,
    wallets bigint not null default 0,
    -- those that were not settled before; null until all is done
    differences bigint check (differences >= 0),
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint reconciliation_finished check ((finished_at is null) = (differences is null)),
    constraint reconciliation_of_day check (day is not null or not nightly)
);
-- two sweepers check a day once
create unique index reconciliation_nightly on reconciliation (day) where nightly;

create table incident (
    id bigint generated always as identity primary key,
    kind text not null,
    subject text not null,
    state text not null default 'open' check (state in ('open', 'closed')),
    outcome text check (outcome in ('refunded', 'absorbed', 'gone')),
    -- what the meter has, and what was derived from the logs
    recorded json not null,
    derived json not null,
    user_id bigint,
    video_id bigint,
    overcharged_micros bigint not null default 0 check (overcharged_micros >= 0),
    refunded_micros bigint not null default 0 check (refunded_micros >= 0),
    journal_id bigint references journal,
    found_by bigint not null references reconciliation,
    seen_by bigint not null references reconciliation,
    created_at timestamptz not null default now(),
    closed_at timestamptz,
    constraint incident_once unique (kind, subject),
    constraint incident_closed check ((state = 'closed') = (outcome is not null) and (state = 'closed') = (closed_at is not null))
);
create index incident_open on incident (id) where state = 'open';

-- The tables of the original API.
create view billing_accounts as
select id, owner as user_id, balance_micros / minor_micros as balance, created_at, updated_at
from account
where kind = 'wallet';

-- Of wallets and of what creators may take out; a session's charges are one that grows while it plays.
create view transactions as
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

-- Neither do grants allow a change of what is only added to (0004_grants.sql does the same where the login is a superuser).
revoke update, delete, truncate on journal, entry, money_request, refund from current_user;
-- Foreign keys lock the journal they point to, which takes the right to update something; an identity takes no value.
grant update (id) on journal to current_user;
