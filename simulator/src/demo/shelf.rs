use std::collections::HashMap;

use crate::library::{AlbumId, Cloud};

/// The albums and folders of the demo library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shelf {
    Norway,
    DayOne,
    DayTwo,
    Hikes,
    Segla,
    ChristmasEve,
    Favorites,
    Family,
    OtherFamily,
    LowerCaseFamily,
    Party,
    Empty,
    Marathon,
    LeadingDot,
    DotDot,
    Inside,
    Decomposed,
    TooLong,
    NameTests,
}

struct Board {
    shelf: Shelf,
    name: String,
    folder: bool,
    inside: Option<Shelf>,
}

fn album(shelf: Shelf, name: &str) -> Board {
    Board { shelf, name: name.to_owned(), folder: false, inside: None }
}

fn folder(shelf: Shelf, name: &str) -> Board {
    Board { folder: true, ..album(shelf, name) }
}

impl Board {
    fn inside(self, folder: Shelf) -> Board {
        Board { inside: Some(folder), ..self }
    }
}

/// Every folder stands before what it holds.
fn boards() -> Vec<Board> {
    vec![
        folder(Shelf::Norway, "Norway"),
        album(Shelf::DayOne, "Day 1").inside(Shelf::Norway),
        album(Shelf::DayTwo, "Day 2").inside(Shelf::Norway),
        folder(Shelf::Hikes, "Hikes").inside(Shelf::Norway),
        album(Shelf::Segla, "Segla").inside(Shelf::Hikes),
        album(Shelf::ChristmasEve, "24/12/2020"),
        album(Shelf::Favorites, "Favorites"),
        album(Shelf::Family, "Family"),
        album(Shelf::OtherFamily, "Family"),
        album(Shelf::LowerCaseFamily, "family"),
        album(Shelf::Party, "🎉 Party 🥳"),
        album(Shelf::Empty, "Empty"),
        album(Shelf::Marathon, "Marathon 2019"),
        album(Shelf::LeadingDot, ".private"),
        folder(Shelf::DotDot, ".."),
        album(Shelf::Inside, "Inside").inside(Shelf::DotDot),
        album(Shelf::Decomposed, "Zu\u{308}rich"),
        album(Shelf::TooLong, &"Überlänge ".repeat(30)),
        album(Shelf::NameTests, "Odd names"),
    ]
}

/// Puts up all albums and folders of the personal library.
pub fn build(cloud: &Cloud) -> HashMap<Shelf, AlbumId> {
    let zone = cloud.primary();
    let mut built = HashMap::new();
    for board in boards() {
        let parent = board.inside.map(|shelf| built[&shelf]);
        let id = match board.folder {
            true => cloud.add_folder(zone, &board.name, parent),
            false => cloud.add_album(zone, &board.name, parent),
        };
        built.insert(board.shelf, id);
    }
    built
}
