//! Order of the rules from causes to symptoms, according to their stages.

use std::sync::LazyLock;

use crate::catalog::catalog;
use crate::finding::Finding;
use crate::rule::role::Role;

static ORDER: LazyLock<Vec<&'static Role>> = LazyLock::new(|| {
    let mut roles: Vec<&Role> = catalog().iter().flat_map(|rule| rule.roles).collect();
    roles.sort_by_key(|role| role.stage);
    roles
});

/// Returns the roles of all rules, causes first: by stage, and within a stage in the order of the catalog.
pub fn causal_order() -> &'static [&'static Role] {
    &ORDER
}

/// Returns the position of a finding in the [`causal_order`], or the last position if no rule has a role for it.
pub(crate) fn rank(finding: &Finding) -> usize {
    let place = ORDER.iter().position(|role| role.symptom.is_shown_by(finding));
    place.unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::symptom::Symptom::{Code, High, Low};

    #[test]
    fn causes_come_before_symptoms() {
        let expected = [
            Code("K008"),
            Code("K020"),
            Code("K028"),
            Code("K029"),
            Code("K030"),
            Code("K031"),
            Code("K033"),
            Code("K002"),
            Code("K003"),
            Code("K022"),
            Code("K023"),
            Code("K025"),
            Code("K027"),
            Code("K006"),
            Code("K019"),
            Code("K005"),
            Low("K015"),
            Code("K032"),
            High("K013"),
            Code("K012"),
            Code("K009"),
            Code("K010"),
            Code("K014"),
            Code("K011"),
            Code("K015"),
            Code("K016"),
            Low("K013"),
            Code("K004"),
            Code("K007"),
            Code("K018"),
            Code("K021"),
            Code("K024"),
            Code("K026"),
            Code("K017"),
            Code("K001"),
        ];
        let order: Vec<_> = causal_order().iter().map(|role| role.symptom).collect();
        assert_eq!(order, expected);
    }

    #[test]
    fn explanations_only_go_forward() {
        let place = |symptom| causal_order().iter().position(|role| role.symptom == symptom);
        for role in causal_order() {
            for &consequence in role.explains.iter().flat_map(|explanation| explanation.consequences) {
                assert!(place(role.symptom) < place(consequence), "{:?} explains {consequence:?}", role.symptom);
            }
        }
    }
}
