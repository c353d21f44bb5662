//! What a broker promises, under the model checker: where the registry, the mailboxes, the table of requests and an actor's
//! task meet.

mod groups;
mod hibernation;
mod letters;
mod names;
mod requests;
mod support;
mod topics;
