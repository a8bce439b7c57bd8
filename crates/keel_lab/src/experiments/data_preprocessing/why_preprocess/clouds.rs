//! Pictures of two classes and of the line through the origin that divides them.

use keel_page::Text;
use keel_page::charts::{Marks, Plot, Point, Region, Series};

use super::is_right;

/// Colours: the two classes, misclassified points, the line before and after its turn.
const CLASSES: [usize; 2] = [0, 2];
const WRONG: usize = 1;
const BEST_LINE: usize = 7;
const TURNED_LINE: usize = 3;

/// A square picture of points of both classes.
pub(crate) struct View<'a> {
    /// Coordinates and class, +1 or -1, of each point.
    pub(crate) points: &'a [[f64; 3]],
    /// Centre of the picture.
    pub(crate) middle: [f64; 2],
    /// Half the side of the picture.
    pub(crate) reach: f64,
}

impl View<'_> {
    /// Plots both classes, the best line, the line turned by `turn` degrees, and the origin.
    pub(crate) fn with_origin(&self, turn: f64) -> Plot {
        let origin = Series::new(Text::new("origin", "原点"), vec![(0.0, 0.0)], Marks::Points);
        self.with_lines(self.plot(|_| true), turn).with(origin.coloured(BEST_LINE))
    }

    /// Plots both classes and both lines, with a tint on the side that the turned line assigns to class A, and the
    /// misclassified points.
    pub(crate) fn up_close(&self, turn: f64) -> Plot {
        let (sine, cosine) = turn.to_radians().sin_cos();
        let far = self.reach + self.middle[0].hypot(self.middle[1]);
        let side = Region::positive_side([cosine, sine], 0.0, far, CLASSES[0]);
        let right = |[x, y, class]: &[f64; 3]| is_right([*x, *y], *class, turn);
        let wrong: Vec<Point> = self.points.iter().filter(|point| !right(point)).map(|[x, y, _]| (*x, *y)).collect();
        let plot = self.with_lines(self.plot(right).tinted(side), turn);
        plot.with(Series::new(Text::new("wrong after the turn", "转动后分错"), wrong, Marks::Points).coloured(WRONG))
    }

    /// Plots the points of both classes that are `chosen`.
    fn plot(&self, chosen: impl Fn(&[f64; 3]) -> bool) -> Plot {
        let View { points, middle: [x, y], reach } = *self;
        let plot = Plot::new("x", "y").square().x_range(x - reach, x + reach).y_range(y - reach, y + reach);
        let names = [(1.0, Text::new("class A", "A 类")), (-1.0, Text::new("class B", "B 类"))];
        names.into_iter().zip(CLASSES).fold(plot, |plot, ((sign, name), colour)| {
            let inside = points.iter().filter(|point| point[2] == sign && chosen(point));
            let cloud = inside.map(|point| (point[0], point[1])).collect();
            plot.with(Series::new(name, cloud, Marks::Points).coloured(colour))
        })
    }

    /// Adds the best line, and the turned one if it differs.
    fn with_lines(&self, plot: Plot, turn: f64) -> Plot {
        let plot = plot.with(self.line(0.0));
        if turn == 0.0 { plot } else { plot.with(self.line(turn)) }
    }

    /// Returns the line through the origin whose normal is turned by `degrees` from the horizontal.
    fn line(&self, degrees: f64) -> Series {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let far = 2.0 * (self.middle[0].hypot(self.middle[1]) + self.reach);
        let ends = vec![(-sine * far, cosine * far), (sine * far, -cosine * far)];
        let (name, marks, colour) = if degrees == 0.0 {
            (Text::new("best line", "最佳分类线"), Marks::Dashed, BEST_LINE)
        } else {
            (Text::new("turned line", "转动后的线"), Marks::Line, TURNED_LINE)
        };
        Series::new(name, ends, marks).coloured(colour).extended()
    }
}
