//! Colours of named series: each name has the same colour in all charts of a page.

use std::collections::BTreeMap;

/// Number of colours in the style sheet; beyond it, colours repeat with dashes.
const COLOURS: usize = 8;

/// A series in a palette.
pub struct Named<'a> {
    /// Name in English.
    pub name: &'a str,
    /// Colour assigned to it, if any.
    pub given: Option<usize>,
}

/// Colour indices by name.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    colours: BTreeMap<String, usize>,
}

impl Palette {
    /// Assigns colours to the series of all charts of a page. Every name has its own colour if there are enough;
    /// otherwise no two names in one chart share a colour.
    pub fn of(charts: &[Vec<Named<'_>>]) -> Self {
        let all = || charts.iter().flatten();
        let mut colours: BTreeMap<String, usize> = BTreeMap::new();
        for Named { name, given } in all() {
            if let Some(given) = given {
                colours.entry((*name).to_owned()).or_insert(*given);
            }
        }
        let mut names: Vec<&str> = all().map(|one| one.name).collect();
        names.sort_unstable();
        names.dedup();
        let enough = names.len() <= COLOURS;
        for Named { name, .. } in all() {
            if colours.contains_key(*name) {
                continue;
            }
            let together = |chart: &&Vec<Named<'_>>| enough || chart.iter().any(|other| other.name == *name);
            let neighbours = charts.iter().filter(together).flatten();
            let taken: Vec<usize> = neighbours.filter_map(|other| colours.get(other.name).copied()).collect();
            let free = (0..).find(|colour| !taken.contains(colour)).expect("there are more numbers than series");
            colours.insert((*name).to_owned(), free);
        }
        Palette { colours }
    }

    /// Returns the colour of a series, or `otherwise` if the palette does not contain it.
    pub fn colour(&self, name: &str, otherwise: usize) -> usize {
        self.colours.get(name).copied().unwrap_or(otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart<'a>(names: &[&'a str]) -> Vec<Named<'a>> {
        names.iter().map(|name| Named { name, given: None }).collect()
    }

    #[test]
    fn a_name_has_one_colour_and_no_two_of_a_chart_share_one() {
        let palette = Palette::of(&[chart(&["a", "b"]), chart(&["c", "b"])]);
        assert_eq!(["a", "b", "c"].map(|name| palette.colour(name, 7)), [0, 1, 2]);
        assert_eq!(palette.colour("unknown", 7), 7);
        let many: Vec<String> = (0..12).map(|index| format!("series {index}")).collect();
        let names: Vec<&str> = many.iter().map(String::as_str).collect();
        let palette = Palette::of(&[chart(&names[..6]), chart(&names[6..]), chart(&[names[0], names[6]])]);
        let colour = |index: usize| palette.colour(names[index], 99);
        assert!((0..12).all(|index| colour(index) < COLOURS), "twelve names in charts of six need no dashes");
        assert_ne!(colour(0), colour(6));
    }

    #[test]
    fn given_colours_are_kept_and_left_to_their_series() {
        let given = Named { name: "straight line", given: Some(0) };
        let palette = Palette::of(&[vec![Named { name: "a", given: None }, given], chart(&["straight line", "b"])]);
        assert_eq!(["straight line", "a", "b"].map(|name| palette.colour(name, 9)), [0, 1, 2]);
    }
}
