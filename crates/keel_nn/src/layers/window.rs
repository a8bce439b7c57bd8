//! Windows that slide over images: kernel sizes, strides and padding, shared by convolution and pooling.

use keel_kernels::pooling::PoolShape;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Shape;
use crate::layers::{BuildError, Extent};

/// Padding around an image: `"same"`, `"valid"` or a number in a config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PaddingForm", into = "PaddingForm")]
#[schemars(with = "PaddingForm")]
pub enum Padding {
    /// Padding that makes the output `ceil(size / stride)` positions; an odd one goes after the image.
    Same,
    /// None.
    Valid,
    /// This many rows and columns on each side.
    Each(usize),
}

impl Padding {
    /// Returns the number of positions before and after an axis of `size`, for a window that spans `span` positions (dilation included).
    pub fn resolve(self, size: usize, span: usize, stride: usize) -> [usize; 2] {
        match self {
            Padding::Valid => [0, 0],
            Padding::Each(each) => [each, each],
            Padding::Same => {
                let positions = size.div_ceil(stride);
                let covered = positions.saturating_sub(1) * stride + span;
                let total = covered.saturating_sub(size);
                [total / 2, total - total / 2]
            }
        }
    }
}

/// Words for padding.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum PaddingWord {
    /// The output has `ceil(size / stride)` positions.
    Same,
    /// No padding.
    Valid,
}

/// Forms in which a [`Padding`] can be written.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"same\", \"valid\" or a whole number")]
enum PaddingForm {
    /// A word.
    Word(PaddingWord),
    /// Rows and columns on each side.
    Each(usize),
}

impl From<PaddingForm> for Padding {
    fn from(form: PaddingForm) -> Self {
        match form {
            PaddingForm::Word(PaddingWord::Same) => Padding::Same,
            PaddingForm::Word(PaddingWord::Valid) => Padding::Valid,
            PaddingForm::Each(each) => Padding::Each(each),
        }
    }
}

impl From<Padding> for PaddingForm {
    fn from(padding: Padding) -> Self {
        match padding {
            Padding::Same => PaddingForm::Word(PaddingWord::Same),
            Padding::Valid => PaddingForm::Word(PaddingWord::Valid),
            Padding::Each(each) => PaddingForm::Each(each),
        }
    }
}

/// A window without an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Rows and columns of the kernel.
    pub kernel: Extent,
    /// Step between windows.
    pub stride: Extent,
    /// Padding around the image.
    pub padding: Padding,
    /// Distance between neighbouring kernel elements.
    pub dilation: usize,
}

/// A window on an image of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FittedWindow {
    /// Padding rows before and after the image.
    pub rows: [usize; 2],
    /// Padding columns before and after the image.
    pub columns: [usize; 2],
    /// Number of windows in each direction: height and width of the output.
    pub output: Extent,
}

impl Window {
    /// Fits the window to an image.
    ///
    /// # Errors
    /// If the input is not an image or is empty, a size is 0, or the window exceeds the padded image.
    pub(super) fn fit(&self, kind: &'static str, input: Shape) -> Result<FittedWindow, BuildError> {
        let Shape::Image { height, width, .. } = input else {
            return Err(BuildError::WantsImage { kind, features: input.len() });
        };
        if input.is_empty() {
            return Err(BuildError::EmptyInput { kind, input });
        }
        let sizes = [("kernel", self.kernel.area()), ("stride", self.stride.area()), ("dilation", self.dilation)];
        if let Some((key, _)) = sizes.into_iter().find(|(_, size)| *size == 0) {
            return Err(BuildError::Zero { kind, key });
        }
        let span = |kernel: usize| self.dilation * (kernel - 1) + 1;
        let spans = Extent { height: span(self.kernel.height), width: span(self.kernel.width) };
        let rows = self.padding.resolve(height, spans.height, self.stride.height);
        let columns = self.padding.resolve(width, spans.width, self.stride.width);
        let padded = Extent { height: height + rows[0] + rows[1], width: width + columns[0] + columns[1] };
        if spans.height > padded.height || spans.width > padded.width {
            return Err(BuildError::WindowTooLarge { kind, kernel: spans, input, padded });
        }
        let output = Extent {
            height: (padded.height - spans.height) / self.stride.height + 1,
            width: (padded.width - spans.width) / self.stride.width + 1,
        };
        Ok(FittedWindow { rows, columns, output })
    }
}

/// The window of a pool without an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolWindow {
    /// Rows and columns of the kernel.
    pub kernel: Extent,
    /// Step between windows; by default the kernel size.
    pub stride: Option<Extent>,
    /// Padding around the image.
    pub padding: Padding,
}

impl PoolWindow {
    /// Fits the window to an image.
    ///
    /// # Errors
    /// As described at [`Window::fit`], or if padding is more than half of the kernel, or a window has more than 65536 values.
    pub(super) fn fit(&self, kind: &'static str, input: Shape) -> Result<PoolShape, BuildError> {
        let PoolWindow { kernel, stride, padding } = *self;
        let stride = stride.unwrap_or(kernel);
        let fitted = Window { kernel, stride, padding, dilation: 1 }.fit(kind, input)?;
        if let Padding::Each(padding) = padding
            && padding > kernel.height.min(kernel.width) / 2
        {
            return Err(BuildError::PaddingTooLarge { kind, padding, kernel });
        }
        if kernel.area() > 1 << 16 {
            let (key, value, allowed) = ("kernel", kernel.area() as f32, "at most 65536 values; use global_avg_pool");
            return Err(BuildError::OutOfRange { kind, key, value, allowed });
        }
        let dimensions = input.dimensions();
        Ok(PoolShape {
            input: [dimensions[0], dimensions[1]],
            channels: dimensions[2],
            kernel: [kernel.height, kernel.width],
            stride: [stride.height, stride.width],
            padding: [fitted.rows[0], fitted.columns[0]],
            output: [fitted.output.height, fitted.output.width],
        })
    }
}

/// Returns the shape of one output sample of a pool.
pub(super) fn pool_output(shape: &PoolShape) -> Shape {
    Shape::Image { height: shape.output[0], width: shape.output[1], channels: shape.channels }
}

/// Returns the text that tables show for a pool.
pub(super) fn describe_pool(shape: &PoolShape) -> String {
    let [kernel, stride] = [shape.kernel, shape.stride].map(|[height, width]| Extent { height, width });
    format!("{kernel}, stride {stride}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_and_paddings_are_read_and_written_in_their_short_form() {
        let cases = [("3", Extent::square(3)), ("[1,5]", Extent { height: 1, width: 5 })];
        for (text, extent) in cases {
            assert_eq!(serde_json::from_str::<Extent>(text).unwrap(), extent);
            assert_eq!(serde_json::to_string(&extent).unwrap(), text);
        }
        for (text, padding) in [("\"same\"", Padding::Same), ("\"valid\"", Padding::Valid), ("2", Padding::Each(2))] {
            assert_eq!(serde_json::from_str::<Padding>(text).unwrap(), padding);
            assert_eq!(serde_json::to_string(&padding).unwrap(), text);
        }
        for text in ["-1", "[1]", "[1,2,3]", "\"full\"", "1.5"] {
            let error = serde_json::from_str::<Extent>(text).unwrap_err().to_string();
            assert!(error.contains("whole number or [height, width]"), "{text}: {error}");
            if text != "\"full\"" {
                assert!(serde_json::from_str::<Padding>(text).is_err(), "{text}");
            }
        }
        let error = serde_json::from_str::<Padding>("\"full\"").unwrap_err().to_string();
        assert!(error.contains("\"same\", \"valid\""), "{error}");
    }

    #[test]
    fn same_padding_gives_one_output_per_stride_and_puts_the_odd_one_after() {
        // (size, span, stride, before and after)
        let cases = [
            (8, 3, 1, [1, 1]),
            (8, 3, 2, [0, 1]),
            (7, 3, 2, [1, 1]),
            (5, 2, 1, [0, 1]),
            (3, 5, 1, [2, 2]),
            (5, 1, 2, [0, 0]),
            (1, 1, 1, [0, 0]),
        ];
        for (size, span, stride, expected) in cases {
            assert_eq!(Padding::Same.resolve(size, span, stride), expected, "{size} {span} {stride}");
            let output = (size + expected[0] + expected[1] - span) / stride + 1;
            assert_eq!(output, size.div_ceil(stride));
        }
    }

    #[test]
    fn a_window_that_does_not_fit_names_both_shapes() {
        let window =
            Window { kernel: Extent::square(5), stride: Extent::square(1), padding: Padding::Each(0), dilation: 1 };
        let input = Shape::Image { height: 4, width: 9, channels: 2 };
        let text = window.fit("conv2d", input).unwrap_err().to_string();
        assert!(text.contains("5x5") && text.contains("4x9x2"), "{text}");
        let fitted = Window { padding: Padding::Each(1), ..window }.fit("conv2d", input).unwrap();
        assert_eq!(fitted.output, Extent { height: 2, width: 7 });
        let still = Window { dilation: 2, padding: Padding::Each(2), ..window }.fit("conv2d", input).unwrap_err();
        assert!(still.to_string().contains("9x9"), "{still}");
        assert!(matches!(window.fit("conv2d", Shape::Features(7)), Err(BuildError::WantsImage { features: 7, .. })));
        let zero = Window { stride: Extent { height: 1, width: 0 }, ..window };
        assert!(matches!(zero.fit("conv2d", input), Err(BuildError::Zero { key: "stride", .. })));
    }
}
