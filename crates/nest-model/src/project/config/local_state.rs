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
pub struct LocalState {
    pub tier: String,
    pub shown_by: StateEvidence,
}

/// Tiers that a configuration puts on functions although they keep state of their own, and whose placement
/// does not say what replaces that.
pub fn unreplaced_state(priced: &PricedConfig<'_>, model: &ScalingModel) -> Vec<String> {
    let states = local_states(priced, model);
    states.into_iter().map(|state| state.tier).collect()
}

/// The same tiers, each once, with what shows that they keep state.
///
/// State shows in two ways: what the placement carries moves bytes to or from the tier's disk, or the study
/// says that the target stores data (`[data]`) and the configuration has no server where it could be.
pub fn local_states(priced: &PricedConfig<'_>, model: &ScalingModel) -> Vec<LocalState> {
    let functions = priced
        .placed
        .iter()
        .filter(|placed| matches!(placed.host, Host::Function(_)))
        .filter(|placed| placed.placement.files_replaced_by.is_none());
    let mut states: Vec<LocalState> = Vec::new();
    for placed in functions {
        let tier = &placed.placement.tier;
        let shown_by = moved_bytes(priced, placed, model).or_else(|| stored_data(priced));
        if let Some(shown_by) = shown_by.filter(|_| states.iter().all(|state| state.tier != *tier)) {
            states.push(LocalState {
                tier: tier.clone(),
                shown_by,
            });
        }
    }
    states
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
