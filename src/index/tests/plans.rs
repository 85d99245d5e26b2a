//! No question of the file system, the status or a round of changes costs more in a larger library.

use std::ffi::CStr;

use jiff::Timestamp;
use rusqlite::{Connection, ffi};

use super::*;
use crate::photos::Resource;

/// Every statement that a connection holds ready: those that were asked since it was opened.
fn statements(connection: &Connection) -> Vec<String> {
    let mut found = Vec::new();
    // SAFETY: the connection is open and nobody else uses it meanwhile; its statements are only asked for their text, which
    // lives as long as they do.
    unsafe {
        let mut at = ffi::sqlite3_next_stmt(connection.handle(), std::ptr::null_mut());
        while !at.is_null() {
            found.push(CStr::from_ptr(ffi::sqlite3_sql(at)).to_str().unwrap().to_owned());
            at = ffi::sqlite3_next_stmt(connection.handle(), at);
        }
    }
    found
}

/// Tables of a row for each library, of what waits for a person, lists of the change itself; and the journal, of which the
/// last row is looked for.
const SMALL: [&str; 9] = ["library", "l", "total", "held", "h", "note", "meta", "json_each", "journal"];

fn steps(connection: &Connection, statement: &str) -> Vec<String> {
    let mut query = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    let unbound = vec![rusqlite::types::Null; query.parameter_count()];
    let steps = query.query_map(rusqlite::params_from_iter(unbound), |row| row.get::<_, String>(3)).unwrap();
    steps.map(Result::unwrap).collect()
}

fn scans(connection: &Connection, statement: &str) -> Vec<String> {
    let is_large = |step: &String| {
        let table = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        table.is_some_and(|table| !SMALL.contains(&table) && !table.starts_with('('))
    };
    steps(connection, statement).into_iter().filter(is_large).collect()
}

#[test]
fn a_day_of_the_journal_is_read_as_it_lies() {
    let fixture = Fixture::with(&["IMG_1.JPG"]);
    fixture.index.departures(Timestamp::MIN, Timestamp::MAX, &mut |_| true).unwrap();
    let reader = fixture.index.reader().unwrap();
    let asked: Vec<String> =
        statements(&reader).into_iter().filter(|asked| asked.contains("details FROM journal")).collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(steps(&reader, &asked[0]), ["SEARCH journal USING INDEX journal_noticed (noticed>? AND noticed<?)"]);
}

#[test]
fn no_question_of_the_mount_goes_through_the_library() {
    let fixture = Fixture::with(&["IMG_1.JPG", "IMG_2.JPG"]);
    let index = &fixture.index;
    let month = fixture.ino("/Years/2024/2024-03");
    let file = fixture.ino("/Years/2024/2024-03/IMG_1.JPG");
    index.node(file).unwrap();
    index.lookup(month, "IMG_1.JPG").unwrap();
    index.lookup_in_any_case(month, "img_1.jpg").unwrap();
    index.children(month).unwrap();
    index.parent(month).unwrap();
    index.holders(file).unwrap();
    let resource: Resource = index.resource(file).unwrap().unwrap();
    index.path(file).unwrap();
    index.path_of(&resource).unwrap();
    index.link_target(file).unwrap();
    index.facts(file).unwrap();
    index.sidecar(file).unwrap();
    index.totals().unwrap();
    index.view_counts(&primary()).unwrap();
    index.libraries().unwrap();
    index.holds().unwrap();
    index.remembered("layout").unwrap();
    assert_unscanned(&index.reader().unwrap(), 16);
}

#[test]
fn no_change_goes_through_the_library() {
    let fixture = Fixture::with(&["IMG_1.JPG", "IMG_2.JPG"]);
    // A new connection: the old one holds the statements of the first listing, which does go through it.
    let fixture = fixture.reopened(TreeOptions::default());
    fixture.apply(&[
        Change::Asset(Box::new(asset("C", 3))),
        Change::Master(Box::new(master("C", "IMG_1.JPG"))),
        Change::Album(album("N", "Norway", None)),
        Change::Joined(member("N", "C")),
    ]);
    fixture.apply(&[Change::Left(member("N", "C")), trashed("A")]);
    fixture.apply(&[Change::Gone("B".into())]);
    fixture.index.masters_waited_for(&primary()).unwrap();
    assert_unscanned(&fixture.index.writer(), 20);
    assert_unscanned(&fixture.index.reader().unwrap(), 2);
}

fn assert_unscanned(connection: &Connection, at_least: usize) {
    let statements = statements(connection);
    assert!(statements.len() >= at_least, "{} statements", statements.len());
    for statement in statements {
        assert_eq!(scans(connection, &statement), [""; 0], "{statement}");
    }
}
