//! Rows and columns of a window.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows and columns; written as one number for both or as `[height, width]` in a config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "ExtentForm", into = "ExtentForm")]
#[schemars(with = "ExtentForm")]
pub struct Extent {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Extent {
    /// Creates an extent with as many rows as columns.
    pub const fn square(side: usize) -> Self {
        Extent { height: side, width: side }
    }

    /// Returns rows times columns.
    pub const fn area(self) -> usize {
        self.height * self.width
    }
}

impl From<usize> for Extent {
    fn from(side: usize) -> Self {
        Extent::square(side)
    }
}

impl From<[usize; 2]> for Extent {
    fn from([height, width]: [usize; 2]) -> Self {
        Extent { height, width }
    }
}

impl fmt::Display for Extent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.height, self.width)
    }
}

/// Forms in which an [`Extent`] can be written.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a whole number or [height, width]")]
enum ExtentForm {
    /// Equal numbers of rows and columns.
    Square(usize),
    /// Rows, columns.
    Sides([usize; 2]),
}

impl From<ExtentForm> for Extent {
    fn from(form: ExtentForm) -> Self {
        match form {
            ExtentForm::Square(side) => side.into(),
            ExtentForm::Sides(sides) => sides.into(),
        }
    }
}

impl From<Extent> for ExtentForm {
    fn from(Extent { height, width }: Extent) -> Self {
        if height == width { ExtentForm::Square(height) } else { ExtentForm::Sides([height, width]) }
    }
}
