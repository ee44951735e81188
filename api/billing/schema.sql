-- The whole truth of the database streamify_billing; the migrations give exactly this.
-- Money is bigint micro-units, media time bigint milliseconds, `opened_ms` nginx's clock (ms since 1970).

-- What the original API calls a transaction is an entry or a session here, so both draw their ids from one sequence.
create sequence ledger_id;
-- Numbers what streaming is told, so that what arrives late is known to be old.
create sequence word_number;

-- Wallets have a live balance and are locked to change it. The others are only added to: their balance is the sum of
-- their entries, so that no popular creator and no platform account is a hot row.
create table account (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('wallet', 'creator', 'revenue', 'clearing_test', 'uncollected', 'writeoff')),
    -- the user of a wallet; the creator whose share (creator) or whose films' remainder (revenue) it is; else 0
    owner bigint not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    minor_micros bigint not null check (minor_micros > 0),
    balance_micros bigint,
    held_micros bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint account_of_owner unique (kind, owner, currency),
    constraint account_balance_of_wallets check ((kind = 'wallet') = (balance_micros is not null)),
    constraint account_held_of_wallets check ((kind = 'wallet') = (held_micros is not null)),
    constraint account_never_negative check (balance_micros >= 0),
    constraint account_held_within_balance check (held_micros between 0 and balance_micros)
) with (fillfactor = 70);

-- One movement of money; its entries sum to zero. `idem_key` says what caused it, so nothing is caused twice.
create table journal (
    id bigint generated always as identity primary key,
    idem_key text not null constraint journal_once unique,
    kind text not null check (kind in ('deposit', 'charge', 'forgiven', 'uncollected')),
    reverses bigint references journal,
    effective_at timestamptz not null,
    created_at timestamptz not null default now()
);

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
    constraint hold_nothing_after_end check (state <> 'ended' or (held_micros = 0 and expires_at is null))
) with (fillfactor = 70);
create index hold_of_user on hold (user_id, id);
create index hold_live on hold (account_id) where expires_at is not null;
create index hold_expiring on hold (expires_at) where expires_at is not null;
create index hold_untold on hold (user_id)
    where state <> 'ended' and ((state = 'spent') <> spent_told or final <> final_told);

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
    primary key (stream, generation, byte_offset)
);

-- The tables of the original API.
create view billing_accounts as
select id, owner as user_id, balance_micros / minor_micros as balance, created_at, updated_at
from account
where kind = 'wallet';

-- The charges of a session are one transaction that grows while it plays.
create view transactions as
select e.id, a.owner as user_id, e.amount_micros / a.minor_micros as amount, j.kind as transaction_type,
    initcap(j.kind) as description, e.session_id, j.created_at,
    e.amount_micros, null::bigint as video_id, e.balance_after / a.minor_micros as balance_after
from entry e
join account a on a.id = e.account_id and a.kind = 'wallet'
join journal j on j.id = e.journal_id
where e.session_id is null
union all
select h.id, h.user_id, -h.charged_micros / a.minor_micros, 'charge',
    format('Playback of video %s', h.video_id), h.session_id, h.created_at,
    -h.charged_micros, h.video_id, h.balance_after / a.minor_micros
from hold h
join account a on a.id = h.account_id
where h.charged_micros <> 0;
