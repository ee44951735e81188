-- Streaming hears of sessions that are final too, and its news are numbered.

alter table hold
    -- the other half of the last word streaming heard about it
    add column final_told boolean not null default false;

drop index hold_untold;
create index hold_untold on hold (user_id)
    where state <> 'ended' and ((state = 'spent') <> spent_told or final <> final_told);

-- Numbers what streaming is told, so that what arrives late is known to be old.
create sequence word_number;
