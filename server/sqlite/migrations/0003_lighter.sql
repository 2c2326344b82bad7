-- Each index of a row costs a write a page of the log, and these gave least for it. Running turns are few, and turns_running holds just
-- them; so are the events that wait. Only ended tasks are asked for by their end, only operations of a conversation by it.

drop index turns_by_lease;
drop index outbox_by_user;

drop index tasks_by_end;
create index tasks_by_end on tasks (user_id, status, ended_at) where ended_at is not null;

drop index operations_by_conversation;
create index operations_by_conversation on operations (user_id, conversation, seq) where tasks > 0 and conversation > 0;
