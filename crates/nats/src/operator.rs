//! Each node answers NATS's services API, by which an operator sees all of them: `nats micro ls`, `nats micro stats`. The three
//! forms are those of [ADR-32](https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md).

use std::collections::BTreeMap;
use std::sync::Arc;

use async_nats::Subscriber;
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::StreamExt;
use futures_util::stream::select_all;
use serde::Serialize;
use switchboard::message::Message;
use switchboard::metrics::{Audit, BrokerMetrics, Outcome};

use crate::node::Node;
use crate::{SentCounts, TopicCounts};

/// The first part of every answer.
#[derive(Serialize)]
struct Identity {
    #[serde(rename = "type")]
    form: &'static str,
    name: String,
    id: String,
    version: &'static str,
    metadata: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Info {
    #[serde(flatten)]
    identity: Identity,
    description: &'static str,
    endpoints: [Endpoint; 1],
}

/// What is answered at: a node has one place for all.
#[derive(Serialize)]
struct Endpoint {
    name: &'static str,
    subject: String,
    queue_group: &'static str,
    metadata: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Stats<'a> {
    #[serde(flatten)]
    identity: Identity,
    started: String,
    endpoints: [EndpointStats<'a>; 1],
}

#[derive(Serialize)]
struct EndpointStats<'a> {
    name: &'static str,
    subject: String,
    queue_group: &'static str,
    /// Messages that actors here have accepted.
    num_requests: u64,
    /// Those of them that were not handled to their end.
    num_errors: u64,
    last_error: &'static str,
    /// In handlers, in nanoseconds.
    processing_time: u64,
    average_processing_time: u64,
    data: Data<'a>,
}

/// What the protocol has no fields for.
#[derive(Serialize)]
struct Data<'a> {
    metrics: &'a BrokerMetrics,
    audit: Audit,
    topics: TopicCounts,
    sent: SentCounts,
    lease_holds: bool,
    names: usize,
    groups: usize,
    /// Actors here. Their own metrics are left out, as there may be a million.
    actors: usize,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Ping,
    Info,
    Stats,
}

impl<M: Message> Node<M> {
    /// Subscribes to all that this node is to answer: questions to all, to those of this name, and to this one.
    pub(crate) async fn subscribe_to_questions(&self) -> Result<Vec<Subscriber>, String> {
        let (name, id) = (self.subjects.service(), self.id.token());
        let mut subscribed = Vec::new();
        for verb in ["PING", "INFO", "STATS"] {
            for subject in [format!("$SRV.{verb}"), format!("$SRV.{verb}.{name}"), format!("$SRV.{verb}.{name}.{id}")] {
                subscribed.push(self.client.subscribe(subject).await.map_err(|error| error.to_string())?);
            }
        }
        Ok(subscribed)
    }

    /// Answers them, until the connection is closed.
    pub(crate) async fn answer_questions(self: Arc<Self>, questions: Vec<Subscriber>) {
        let (mut questions, started) = (select_all(questions), Utc::now());
        while let Some(question) = questions.next().await {
            let (Some(reply), Some(asked)) = (question.reply, Question::of(&question.subject)) else { continue };
            match self.answer_to(asked, started) {
                Ok(answer) => {
                    if let Err(error) = self.client.publish(reply, answer.into()).await {
                        tracing::debug!(%error, "an operator's question could not be answered");
                    }
                }
                Err(error) => tracing::warn!(%error, "what an operator asks for can't be written"),
            }
        }
    }

    fn answer_to(&self, asked: Question, started: DateTime<Utc>) -> serde_json::Result<Vec<u8>> {
        let (name, subject, queue_group) = ("node", self.subjects.node(self.id), "");
        match asked {
            Question::Ping => serde_json::to_vec(&self.identity("io.nats.micro.v1.ping_response")),
            Question::Info => serde_json::to_vec(&Info {
                identity: self.identity("io.nats.micro.v1.info_response"),
                description: "a node of a switchboard",
                endpoints: [Endpoint { name, subject, queue_group, metadata: BTreeMap::new() }],
            }),
            Question::Stats => {
                let mut metrics = self.local.metrics();
                let actors = std::mem::take(&mut metrics.actors).len();
                let handling = &metrics.timings.handling;
                let nanos = |time: std::time::Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                serde_json::to_vec(&Stats {
                    identity: self.identity("io.nats.micro.v1.stats_response"),
                    started: started.to_rfc3339_opts(SecondsFormat::Nanos, true),
                    endpoints: [EndpointStats {
                        name,
                        subject,
                        queue_group,
                        num_requests: metrics.total.accepted,
                        num_errors: metrics.total.outcomes.sum() - metrics.total.outcomes[Outcome::Handled],
                        last_error: "",
                        processing_time: nanos(handling.sum()),
                        average_processing_time: handling.mean().map_or(0, nanos),
                        data: Data {
                            audit: self.local.audit(),
                            topics: self.topics.counts(self.connection.dropped()),
                            sent: self.sending.counts(),
                            lease_holds: self.lease.holds(),
                            names: self.names.owned().len(),
                            groups: self.local.registry().all_providers().len(),
                            actors,
                            metrics: &metrics,
                        },
                    }],
                })
            }
        }
    }

    fn identity(&self, form: &'static str) -> Identity {
        let metadata = [
            ("namespace", self.subjects.namespace().to_string()),
            ("node", self.id.to_string()),
            ("message_type", M::MESSAGE_TYPE.to_owned()),
            ("durable", self.durable.is_some().to_string()),
        ];
        let version = env!("CARGO_PKG_VERSION");
        Identity { form, name: self.subjects.service(), id: self.id.token(), version, metadata: metadata.into() }
    }
}

impl Question {
    /// By the second token of its subject.
    fn of(subject: &str) -> Option<Self> {
        match subject.split('.').nth(1)? {
            "PING" => Some(Self::Ping),
            "INFO" => Some(Self::Info),
            "STATS" => Some(Self::Stats),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_known_by_its_verb_whoever_it_is_to() {
        assert_eq!(Question::of("$SRV.PING"), Some(Question::Ping));
        assert_eq!(Question::of("$SRV.INFO.shop"), Some(Question::Info));
        assert_eq!(Question::of("$SRV.STATS.shop.0-1"), Some(Question::Stats));
        assert_eq!(Question::of("$SRV"), None);
        assert_eq!(Question::of("$SRV.RESET"), None);
    }
}
