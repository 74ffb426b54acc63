//! Visits and what they compare, to and from the document of a gate.

use nest_data::gate_report::{GateBlock, GateDemand, GateSubject};

use super::{Subject, VisitBlock, VisitDemand, VisitDemands};

impl From<&Subject> for GateSubject {
    fn from(subject: &Subject) -> Self {
        Self {
            behaviour: subject.behaviour.clone(),
            resource: subject.resource.clone(),
            share: subject.share,
            limit: subject.limit,
        }
    }
}

impl From<&GateSubject> for Subject {
    fn from(subject: &GateSubject) -> Self {
        Self {
            behaviour: subject.behaviour.clone(),
            resource: subject.resource.clone(),
            share: subject.share,
            limit: subject.limit,
        }
    }
}

impl From<&VisitBlock> for GateBlock {
    fn from(block: &VisitBlock) -> Self {
        Self {
            size: block.size,
            base: block.base.each_ref().map(written),
            head: block.head.each_ref().map(written),
        }
    }
}

impl From<&GateBlock> for VisitBlock {
    fn from(block: &GateBlock) -> Self {
        Self {
            size: block.size,
            base: block.base.each_ref().map(|visit| read(visit)),
            head: block.head.each_ref().map(|visit| read(visit)),
        }
    }
}

fn written(visit: &VisitDemands) -> Vec<Option<GateDemand>> {
    let demand = |one: VisitDemand| GateDemand {
        value: one.value,
        relative_error: one.relative_error,
    };
    visit.iter().map(|one| one.map(demand)).collect()
}

fn read(visit: &[Option<GateDemand>]) -> VisitDemands {
    let demand = |one: GateDemand| VisitDemand {
        value: one.value,
        relative_error: one.relative_error,
    };
    visit.iter().map(|one| one.map(demand)).collect()
}
