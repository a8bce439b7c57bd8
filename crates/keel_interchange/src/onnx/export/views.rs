//! Multiple views of each image with averaged outputs: the image, its mirror image, and shifted versions of both. All
//! views of a batch pass through the network as one larger batch.

use keel_data::CropBorder;
use keel_train::Config;

use super::builder::{Builder, integer};
use super::walk::ImageShape;
use crate::onnx::Tensor;

/// A view of an image, with its weight in the mean.
#[derive(Debug, Clone, Copy)]
struct View {
    mirrored: bool,
    /// Shift in pixels, down and to the right.
    shift: isize,
    weight: f32,
}

/// Views used for evaluating a model.
#[derive(Debug)]
pub(super) struct Views {
    views: Vec<View>,
    border: CropBorder,
}

impl Views {
    /// Returns the views of `train.mirrored_evaluation` and `train.shifted_evaluation`, or `None` if only the image
    /// itself is used. The unshifted views together weigh as much as the shifted ones.
    pub(super) fn of(config: &Config) -> Option<Self> {
        let shift = config.train.shifted_evaluation as isize;
        let shifts: &[(isize, f32)] = match shift {
            0 => &[(0, 1.0)],
            _ => &[(0, 0.5), (-shift, 0.25), (shift, 0.25)],
        };
        let sides: &[bool] = if config.train.mirrored_evaluation { &[false, true] } else { &[false] };
        let view = |&(shift, weight): &(isize, f32), &mirrored: &bool| View {
            mirrored,
            shift,
            weight: weight / sides.len() as f32,
        };
        let views: Vec<View> =
            shifts.iter().flat_map(|shift| sides.iter().map(move |side| view(shift, side))).collect();
        (views.len() > 1).then_some(Views { views, border: config.augment.crop_border })
    }

    /// Adds all views of `images`, `[batch, channels, height, width]`, one after another: `[views * batch, …]`.
    pub(super) fn expand(&self, builder: &mut Builder, images: &str, shape: ImageShape) -> String {
        builder.enter("views");
        let views: Vec<String> = self.views.iter().map(|view| self.view(builder, *view, images, shape)).collect();
        let views: Vec<&str> = views.iter().map(String::as_str).collect();
        builder.node("Concat", &views, vec![integer("axis", 0)])
    }

    /// Adds the weighted mean over the views of `outputs`, `[views * batch, outputs]`: `[batch, outputs]`.
    pub(super) fn combine(&self, builder: &mut Builder, outputs: &str, width: usize) -> String {
        builder.enter("views");
        let count = self.views.len();
        let weights = self.views.iter().map(|view| view.weight).collect();
        let weights = builder.constant("weights", Tensor::floats([count, 1, 1], weights));
        let views = builder.reshape(outputs, &[count as i64, -1, width as i64]);
        let weighted = builder.node("Mul", &[&views, &weights], Vec::new());
        builder.reduce("ReduceSum", &weighted, 0)
    }

    /// Adds one view: rows and columns of the image selected by index, with zeros outside the image.
    fn view(&self, builder: &mut Builder, view: View, images: &str, shape: ImageShape) -> String {
        let ImageShape { height, width, .. } = shape;
        let seen = |at: usize, size: usize| self.border.source(at as isize - view.shift, size);
        let rows: Vec<Option<usize>> = (0..height).map(|y| seen(y, height)).collect();
        let columns = (0..width).map(|x| seen(if view.mirrored { width - 1 - x } else { x }, width));
        let columns: Vec<Option<usize>> = columns.collect();
        let mut value = images.to_owned();
        for (axis, places) in [(2, &rows), (3, &columns)] {
            if places.iter().enumerate().all(|(at, &place)| place == Some(at)) {
                continue;
            }
            let places = places.iter().map(|place| place.unwrap_or(0) as i64).collect();
            let places = builder.constant("places", Tensor::integers(places));
            value = builder.node("Gather", &[&value, &places], vec![integer("axis", axis)]);
        }
        if rows.iter().chain(&columns).all(Option::is_some) {
            return value;
        }
        let shown =
            |row: &Option<usize>, column: &Option<usize>| f32::from(u8::from(row.is_some() && column.is_some()));
        let mask = rows.iter().flat_map(|row| columns.iter().map(move |column| shown(row, column))).collect();
        let mask = builder.constant("shown", Tensor::floats([height, width], mask));
        builder.node("Mul", &[&value, &mask], Vec::new())
    }
}
