//! State that a tier keeps on its disk, which a function loses: what was measured of it, and whether the
//! study says what replaces it.

use nest_data::{
    Estimate, ScalingModel, caveat::StateEvidence, measurement::ResourceKind, scaling::ResourceModel,
};

use super::{Host, PricedConfig, SizedPlacement};

/// Bytes per execution that the lower end of an interval must pass, so that rounding in a fit is no evidence.
const LEAST_BYTES: f64 = 1.0;

/// State of a tier that a configuration puts on functions without saying what replaces it.
#[derive(Debug, Clone, PartialEq)]
pub struct UnreplacedState {
    pub tier: String,
    pub shown_by: StateEvidence,
}

/// The first tier that a configuration puts on functions although it keeps state of its own, and whose
/// placement does not say what replaces that.
///
/// State shows in two ways: what the placement carries moves bytes to or from the tier's disk, or the study
/// says that the target stores data (`[data]`) and the configuration has no server where it could be.
pub fn unreplaced_state(priced: &PricedConfig<'_>, model: &ScalingModel) -> Option<UnreplacedState> {
    let functions = priced
        .placed
        .iter()
        .filter(|placed| matches!(placed.host, Host::Function(_)))
        .filter(|placed| placed.placement.files_replaced_by.is_none());
    let unreplaced = |placed: &SizedPlacement<'_>| {
        Some(UnreplacedState {
            tier: placed.placement.tier.clone(),
            shown_by: moved_bytes(priced, placed, model).or_else(|| stored_data(priced))?,
        })
    };
    functions.into_iter().find_map(unreplaced)
}

/// The behaviour of a placement that moves most bytes to or from its tier's disk.
fn moved_bytes(
    priced: &PricedConfig<'_>,
    placed: &SizedPlacement<'_>,
    model: &ScalingModel,
) -> Option<StateEvidence> {
    let is_disk = |resource: &&ResourceModel| {
        resource.kind == ResourceKind::Disk && resource.tier == placed.placement.tier
    };
    let disk = model.resources.iter().find(is_disk)?;
    let carried = priced.behaviours.iter().zip(&placed.carries);
    let (behaviour, moved) = carried
        .filter(|(_, carries)| **carries)
        .filter_map(|(name, _)| Some((name, disk.demand.get(name)?)))
        .filter(|(_, moved): &(&String, &Estimate)| moved.low > LEAST_BYTES)
        .max_by(|(_, one), (_, other)| one.value.total_cmp(&other.value))?;
    Some(StateEvidence::DiskUse {
        behaviour: behaviour.clone(),
        bytes: moved.value,
    })
}

/// What the study says is stored, where everything of the configuration is functions.
fn stored_data(priced: &PricedConfig<'_>) -> Option<StateEvidence> {
    let data = priced.study.data.as_ref()?;
    let has_server = !priced.unsized_resources.is_empty()
        || priced
            .placed
            .iter()
            .any(|placed| matches!(placed.host, Host::Units(_)));
    (!has_server).then(|| StateEvidence::StoredData {
        item: data.item.clone(),
    })
}
