//! Catalogs: the entries that a config can name, and the macro that defines an enum from a list of them.

/// Name and summary of something that a config can name (an initialiser, a loss, an optimizer, a schedule). Defined in the file of
/// that thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Name in config files.
    pub name: &'static str,
    /// Summary in one line.
    pub summary: &'static str,
}

/// Defines the enum of the things that a config can name, its `CATALOG`, and the access to the trait that the file of each
/// implements.
///
/// `pub enum InitSpec: InitDefinition, CatalogEntry` is followed by one row per thing: `Zeros: ZerosSpec` for one without keys,
/// `Normal(normal: NormalSpec)` for one whose keys are the fields of its type. The type has a constant `ENTRY` of the entry type
/// and implements the trait, so that everything about a thing is in the file of its type. The name in a config is the variant in
/// snake case; a test of each catalog compares it with the entry.
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
            /// Returns the catalog entry of this variant.
            pub fn entry(&self) -> $entry {
                match self {
                    $($name::$variant { .. } => $($plain::ENTRY)? $($keys::ENTRY)?,)+
                }
            }

            /// Returns the implementation, defined in the file of the variant.
            pub(crate) fn definition(&self) -> &dyn $definition {
                match self {
                    $($name::$variant $(($binding))? => $(&$plain)? $($binding)?,)+
                }
            }
        }
    };
}
