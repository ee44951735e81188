-- Refused lines one behind the other, for the same reason, are one row: a log that goes wrong cannot fill the disk.
alter table rejected_line
    -- how many they are; `line` is the first
    add column lines bigint not null default 1 check (lines > 0);
