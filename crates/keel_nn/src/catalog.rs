//! Catalogs: the entry of a thing that a config can name, and the macro that makes an enum of such things from a list.

/// Name and summary of one thing a config can name (an initialiser, a loss, an optimiser, a schedule). It stands in the file
/// of the thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Name in config files.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
}

/// Defines the enum of the things a config can name, its `CATALOG`, and the way from a value to the trait its file implements.
///
/// `pub enum InitSpec: InitDefinition, CatalogEntry` is followed by one row for each thing: `Zeros: ZerosSpec` for one without
/// keys, `Normal(normal: NormalSpec)` for one whose keys are the fields of its type. The type has a constant `ENTRY` of the
/// entry type and implements the trait, so that everything about a thing is in the file of its type. The name in a config is
/// the variant in snake case; a test of each catalog compares it with the entry.
#[doc(hidden)]
#[macro_export]
macro_rules! catalog_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident: $definition:ident, $entry:ident {
            $($variant:ident $(: $plain:ident)? $(($binding:ident: $keys:ident))?,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $(
                $(
                    #[doc = concat!("The variant of `", stringify!($plain), "`, without keys.")]
                    #[schemars(description = $plain::ENTRY.summary)]
                    #[serde(deserialize_with = "crate::name_or_table::no_settings")]
                )?
                $(
                    #[doc = concat!("The variant with the keys of [`", stringify!($keys), "`].")]
                    #[schemars(description = $keys::ENTRY.summary)]
                )?
                $variant $(($keys))?,
            )+
        }

        /// Entries of all variants, in the order of listings.
        pub const CATALOG: &[$entry] = &[$($($plain::ENTRY)? $($keys::ENTRY)?,)+];

        impl $name {
            /// Returns the entry of the catalog.
            pub fn entry(&self) -> $entry {
                match self {
                    $($name::$variant { .. } => $($plain::ENTRY)? $($keys::ENTRY)?,)+
                }
            }

            /// Returns the behaviour, from the file of the variant.
            pub(crate) fn definition(&self) -> &dyn $definition {
                match self {
                    $($name::$variant $(($binding))? => $(&$plain)? $($binding)?,)+
                }
            }
        }
    };
}
