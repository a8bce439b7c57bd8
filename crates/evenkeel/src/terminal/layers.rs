//! The per-layer table.

use keel_train::runs::LayerSummary;

use super::tables::{Align, table};
use super::text::count;

/// One row a layer, and the sum of the parameters.
pub(crate) fn layers_table(layers: &[LayerSummary]) -> String {
    let columns = [
        ("layer", Align::Left),
        ("description", Align::Left),
        ("output", Align::Right),
        ("parameters", Align::Right),
        ("init", Align::Left),
    ];
    let row = |layer: &LayerSummary| {
        vec![
            layer.name.clone(),
            layer.description.clone(),
            shape_text(&layer.output_shape),
            count(layer.parameters),
            layer.init.clone().unwrap_or_default(),
        ]
    };
    let mut rows: Vec<Vec<String>> = layers.iter().map(row).collect();
    let total = layers.iter().map(|layer| layer.parameters).sum();
    rows.push(vec!["total".to_owned(), String::new(), String::new(), count(total), String::new()]);
    table(&columns, &rows)
}

/// `8x8x32` for an image, `64` for a vector.
pub(crate) fn shape_text(dimensions: &[usize]) -> String {
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}
