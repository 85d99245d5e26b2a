use super::*;
use crate::options::Options;

fn state() -> State {
    State::new(Options { assets: Some(0), ..Options::default() }).unwrap()
}

fn run(state: &State, command: Value) -> Value {
    serde_json::from_value::<Command>(command).unwrap().run(state).unwrap()
}

#[test]
fn commands_change_the_library() {
    let state = state();
    let photo = json!({"add_photo": {"name": "IMG_1.JPG", "seed": 1, "size": 100, "captured_ms": 5}});
    let asset = run(&state, photo)["asset"].clone();
    let album = run(&state, json!({"add_album": {"name": "Trip"}}))["album"].clone();
    run(&state, json!({"add_to_album": {"asset": asset, "album": album}}));
    run(&state, json!({"favourite": {"asset": asset, "favourite": true}}));
    let truth = serde_json::to_value(state.cloud.truth()).unwrap();
    let library = &truth["libraries"][0];
    assert_eq!((&library["assets"][0]["favourite"], &library["assets"][0]["state"]), (&json!(true), &json!("visible")));
    assert_eq!((&library["albums"][0]["path"], &library["albums"][0]["members"][0]), (&json!(["Trip"]), &asset));
    run(&state, json!({"purge": {"asset": asset}}));
    assert_eq!(state.cloud.truth().assets().count(), 0);
}

#[test]
fn what_is_not_there_is_said() {
    let state = state();
    let command: Command = serde_json::from_value(json!({"trash": {"asset": "nobody"}})).unwrap();
    assert!(command.run(&state).is_err());
    assert!(serde_json::from_value::<Command>(json!({"trash": {"asset": "x", "y": 1}})).is_err());
}
