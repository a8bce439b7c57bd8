//! Formats the table of layers.

use keel_train::runs::LayerSummary;

use super::tables::{Align, least_width, table};
use super::text::{count, terminal_width};

/// Formats one row per layer, and the sum of the parameters. A terminal too narrow for whole words gets fewer columns.
pub(crate) fn layers_table(layers: &[LayerSummary]) -> String {
    let (columns, rows) = fitting(layers, terminal_width().unwrap_or(usize::MAX));
    table(&columns, &rows)
}

type Columns = Vec<(&'static str, Align)>;

/// Returns the columns that fit: initialisers are left out first, then descriptions.
fn fitting(layers: &[LayerSummary], width: usize) -> (Columns, Vec<Vec<String>>) {
    let left_out: [&[&str]; 3] = [&[], &["init"], &["init", "description"]];
    let choices = left_out.map(|left_out| {
        let kept: Vec<_> = COLUMNS.iter().filter(|column| !left_out.contains(&column.name)).collect();
        let columns: Columns = kept.iter().map(|column| (column.name, column.align)).collect();
        let row = |layer: &LayerSummary| kept.iter().map(|column| (column.text)(layer)).collect();
        let mut rows: Vec<Vec<String>> = layers.iter().map(row).collect();
        rows.push(kept.iter().map(|column| column.total(layers)).collect());
        (columns, rows)
    });
    let [all, described, least] = choices;
    [all, described].into_iter().find(|(columns, rows)| least_width(columns, rows) <= width).unwrap_or(least)
}

struct Column {
    name: &'static str,
    align: Align,
    text: fn(&LayerSummary) -> String,
}

const COLUMNS: [Column; 5] = [
    Column { name: "layer", align: Align::Left, text: |layer| layer.name.clone() },
    Column { name: "description", align: Align::Left, text: |layer| layer.description.clone() },
    Column { name: "output", align: Align::Right, text: |layer| shape_text(&layer.output_shape) },
    Column { name: "parameters", align: Align::Right, text: |layer| count(layer.parameters) },
    Column { name: "init", align: Align::Left, text: |layer| layer.init.clone().unwrap_or_default() },
];

impl Column {
    fn total(&self, layers: &[LayerSummary]) -> String {
        match self.name {
            "layer" => "total".to_owned(),
            "parameters" => count(layers.iter().map(|layer| layer.parameters).sum()),
            _ => String::new(),
        }
    }
}

/// Formats a shape: `8x8x32` for an image, `64` for a vector.
pub(crate) fn shape_text(dimensions: &[usize]) -> String {
    dimensions.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_whole_words() {
        let layer = LayerSummary {
            name: "conv2d_1".to_owned(),
            description: "3x3 to 32 channels, stride 1".to_owned(),
            output_shape: vec![8, 8, 32],
            parameters: 288,
            init: Some("kaiming_normal(gain 1.414)".to_owned()),
            ..LayerSummary::default()
        };
        let names = |width: usize| {
            let (columns, rows) = fitting(std::slice::from_ref(&layer), width);
            assert!(width < 36 || least_width(&columns, &rows) <= width, "{width}");
            assert!(rows.iter().all(|row| row.len() == columns.len()) && rows[1].contains(&"288".to_owned()));
            columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(80), "layer description output parameters init");
        assert_eq!(names(50), "layer description output parameters");
        assert_eq!(names(36), "layer output parameters");
        assert_eq!(names(10), "layer output parameters");
    }
}
