//! Who has joined.

use std::{sync::Arc, time::Instant};

use nest_data::measurement::{GeneratorMachine, Machine};

use crate::{
    engine::threads::SlotRange,
    fleet::{
        clock::ClockEstimate,
        message::{JoinRequest, LeasedRows, Progress},
        wire::nonce,
    },
};

/// A worker that has joined.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its part of the subjects.
    pub id: String,
    pub name: String,
    /// Which process it is.
    pub nonce: String,
    /// What it said when it joined.
    pub request: Arc<JoinRequest>,
    /// Its slots in the step that runs, or ran last.
    pub slots: SlotRange,
    /// Whether it has the study.
    pub is_assigned: bool,
    /// Whether it is gone.
    pub is_lost: bool,
    /// Its clock before the step.
    pub clock: Option<ClockEstimate>,
    /// Rows that it may take in the step.
    pub rows: LeasedRows,
    /// How far it was when it last told, and when that came.
    pub last: Option<(Arc<Progress>, Instant)>,
    /// Since when nobody has answered under its subject.
    pub gone_since: Option<Instant>,
}

/// Everybody who has joined, in the order of their first slots.
#[derive(Debug, Default)]
pub struct Members {
    all: Vec<Member>,
    joined: usize, // how many ever have
}

impl Members {
    /// Those that are not lost.
    pub fn active(&self) -> Vec<Member> {
        self.all
            .iter()
            .filter(|member| !member.is_lost)
            .cloned()
            .collect()
    }

    /// Everybody, those that are lost among them: some may merely have been unreachable.
    pub fn everybody(&self) -> Vec<Member> {
        self.all.clone()
    }

    /// The member of a name.
    pub fn of_name(&self, name: &str) -> Option<&Member> {
        self.all.iter().find(|member| member.name == name)
    }

    /// The member of an id.
    pub fn of_id(&mut self, id: &str) -> Option<&mut Member> {
        self.all.iter_mut().find(|member| member.id == id)
    }

    /// Lets a process in. One that comes under the name of another, which is gone, takes its place.
    pub fn admit(&mut self, request: JoinRequest) -> Member {
        let before = self.all.iter().position(|member| member.name == request.name);
        let id = match before {
            Some(place) => self.all[place].id.clone(),
            None => {
                self.joined += 1;
                format!("w{}-{}", self.joined, &nonce()[..8])
            }
        };
        let member = Member {
            id,
            name: request.name.clone(),
            nonce: request.nonce.clone(),
            slots: SlotRange {
                first: self.active().iter().map(|member| member.request.slots).sum(),
                count: request.slots,
                of: 0,
            },
            request: Arc::new(request),
            is_assigned: false,
            is_lost: false,
            clock: None,
            rows: LeasedRows::new(),
            last: None,
            gone_since: None,
        };
        match before {
            Some(place) => self.all[place] = member.clone(),
            None => self.all.push(member.clone()),
        }
        member
    }

    /// Notes that a process is gone; `false` if that was known, or if another one has its place.
    pub fn lose(&mut self, id: &str, nonce: &str) -> bool {
        match self
            .of_id(id)
            .filter(|member| member.nonce == nonce && !member.is_lost)
        {
            Some(member) => {
                member.is_lost = true;
                true
            }
            None => false,
        }
    }

    /// Numbers the slots of those that are not lost, from 0.
    pub fn number_slots(&mut self) {
        let active = |member: &&mut Member| !member.is_lost;
        let of = self
            .all
            .iter()
            .filter(|member| !member.is_lost)
            .map(|member| member.request.slots)
            .sum();
        let mut first = 0;
        for member in self.all.iter_mut().filter(active) {
            let count = member.request.slots;
            member.slots = SlotRange { first, count, of };
            (member.last, member.gone_since) = (None, None);
            first += count;
        }
    }

    /// Their machines.
    pub fn machines(&self) -> Vec<GeneratorMachine> {
        let machine = |member: &Member| GeneratorMachine {
            worker: member.name.clone(),
            slots: member.request.slots,
            machine: Machine {
                cpu: member.request.cpu.clone(),
                cores: member.request.cores,
                memory_bytes: member.request.memory_bytes,
                kernel: member.request.kernel.clone(),
            },
            quota_cores: member.request.quota_cores,
        };
        self.all.iter().map(machine).collect()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::fleet::message::PROTOCOL;

    /// A request to join under a name.
    pub fn request(name: &str, nonce: &str, slots: usize) -> JoinRequest {
        JoinRequest {
            protocol: PROTOCOL,
            build: "1".to_owned(),
            name: name.to_owned(),
            nonce: nonce.to_owned(),
            slots,
            cores: 2,
            cpu: "a processor".to_owned(),
            memory_bytes: 1,
            kernel: "6.1".to_owned(),
            code: Vec::new(),
            allow_hosts: Vec::new(),
            max_rate: None,
            max_customers: None,
            quota_cores: None,
        }
    }

    #[test]
    fn slots_are_numbered_over_those_that_are_left() {
        let mut members = Members::default();
        let ids: Vec<String> = [("a", 2), ("b", 1), ("c", 3)]
            .map(|(name, slots)| members.admit(request(name, "1", slots)).id)
            .into();
        assert!(members.lose(&ids[0], "1") && !members.lose(&ids[0], "1"));
        members.number_slots();
        let slots: Vec<_> = members
            .active()
            .iter()
            .map(|member| (member.slots.first, member.slots.count, member.slots.of))
            .collect();
        assert_eq!(slots, [(0, 1, 4), (1, 3, 4)]);
    }

    #[test]
    fn who_comes_back_takes_the_place_and_the_old_process_cannot_be_lost_twice() {
        let mut members = Members::default();
        let first = members.admit(request("a", "1", 2));
        let again = members.admit(request("a", "2", 4));
        assert_eq!((first.id.clone(), members.active().len()), (again.id, 1));
        assert!(!members.lose(&first.id, "1"), "the new process is not lost");
        assert_eq!(members.machines()[0].slots, 4);
    }
}
