//! Catalogs: the entry of an item that a config can name, and the macro that builds an enum from a list of such items.

/// One entry of a catalog (readers, synthetic sets, preprocessing steps, augmentations).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogEntry {
    /// The name as written in the config file.
    pub name: &'static str,
    /// One sentence about its effect.
    pub summary: &'static str,
}

/// Defines the enum of the items a config can name, its catalog, and the mapping from a value to the trait implemented
/// in the item's file.
///
/// A row is `Center: CenterSpec` for an item without keys and `Pca(pca: PcaSpec)` for an item whose keys are the fields
/// of its type. The type has a constant `ENTRY` and implements the trait. `keel_nn` has the same macro for layers and
/// related items; neither crate depends on the other.
macro_rules! catalog_enum {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident: $definition:ident, $catalog:ident {
            $($variant:ident $(: $plain:ident)? $(($binding:ident: $keys:ident))?,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $(
                $(
                    #[doc = concat!("The variant of `", stringify!($plain), "`, without keys.")]
                    #[schemars(description = $plain::ENTRY.summary)]
                    #[serde(deserialize_with = "no_keys")]
                )?
                $(
                    #[doc = concat!("The variant with the keys of [`", stringify!($keys), "`].")]
                    #[schemars(description = $keys::ENTRY.summary)]
                )?
                $variant $(($keys))?,
            )+
        }

        /// Entries of all variants, in the order they are listed.
        pub const $catalog: &[CatalogEntry] = &[$($($plain::ENTRY)? $($keys::ENTRY)?,)+];

        impl $name {
            /// Returns the catalog entry.
            pub fn entry(&self) -> CatalogEntry {
                match self {
                    $($name::$variant { .. } => $($plain::ENTRY)? $($keys::ENTRY)?,)+
                }
            }

            /// Returns the implementation, defined in the variant's file.
            fn definition(&self) -> &dyn $definition {
                match self {
                    $($name::$variant $(($binding))? => $(&$plain)? $($binding)?,)+
                }
            }
        }
    };
}

pub(crate) use catalog_enum;
