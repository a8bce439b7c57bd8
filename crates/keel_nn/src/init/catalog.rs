//! What the initialisers are called and what they do.

/// One initialiser of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Name in config files.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
}

/// Every initialiser a config file can name.
pub fn catalog() -> &'static [CatalogEntry] {
    &CATALOG
}

const fn entry(name: &'static str, summary: &'static str) -> CatalogEntry {
    CatalogEntry { name, summary }
}

static CATALOG: [CatalogEntry; 16] = [
    entry(
        "auto",
        "by the activation that follows: tanh -> xavier_normal, relu -> kaiming_normal, selu -> lecun_normal, ...",
    ),
    entry("zeros", "all zeros; for biases"),
    entry("constant", "every value the same (value)"),
    entry("normal", "normal with mean 0 (std)"),
    entry("uniform", "uniform between -limit and limit (limit)"),
    entry("xavier_normal", "normal, variance gain^2 / fan (gain 1, fan = in | out | average); for tanh"),
    entry("xavier_uniform", "uniform, variance gain^2 / fan (gain 1, fan = in | out | average); for tanh"),
    entry("kaiming_normal", "normal, variance gain^2 / fan (gain of the activation, fan in); for relu and its kin"),
    entry("kaiming_uniform", "uniform, variance gain^2 / fan (gain of the activation, fan in); for relu and its kin"),
    entry("lecun_normal", "normal, variance 1 / fan_in; for selu"),
    entry("orthogonal", "random orthogonal matrix (gain 1)"),
    entry(
        "dirac",
        "each filter hands one input on, those left over normal with variance 1 / fan_in; before batch norm",
    ),
    entry("signs", "+1 or -1 at random; for the scales of members"),
    entry("sparse", "n normal connections into each output, the rest zero (n 10)"),
    entry(
        "patch_whitening",
        "filters that decorrelate the patches of training images; first convolution (epsilon 5e-4)",
    ),
    entry("lsuv", "orthogonal, then rescaled on a batch until every layer's outputs have variance target (target 1)"),
];
