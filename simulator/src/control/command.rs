//! What the control port can be told to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::library::{AlbumId, Area, AssetId, Body, Burst, Cloud, Edit, NewPhoto, NoSuch, Resource, ZoneId};
use crate::seeded::{self, Size};
use crate::state::State;

/// One action. Photos and albums are named by record name, zones by zone name; the personal library is the default.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Answers `{"asset": record name}`.
    AddPhoto(SeededPhoto),
    /// So many photos, named `MANY_0.JPG` and on, one a minute since 1970.
    AddPhotos {
        count: u32,
    },
    Duplicate {
        asset: String,
    },
    Trash {
        asset: String,
    },
    TrashOnWeb {
        asset: String,
    },
    Restore {
        asset: String,
    },
    Purge {
        asset: String,
    },
    Vanish {
        asset: String,
    },
    Hide {
        asset: String,
        hidden: bool,
    },
    Favourite {
        asset: String,
        favourite: bool,
    },
    Retitle {
        asset: String,
        title: String,
    },
    SetDate {
        asset: String,
        captured_ms: i64,
        utc_offset_s: Option<i32>,
    },
    Edit {
        asset: String,
        seed: u64,
        size: u64,
    },
    Revert {
        asset: String,
    },
    /// Answers `{"asset": its new record name}`.
    Move {
        asset: String,
        zone: String,
    },
    /// Answers `{"album": record name}`.
    AddAlbum {
        name: String,
        folder: Option<String>,
        zone: Option<String>,
    },
    AddFolder {
        name: String,
        folder: Option<String>,
        zone: Option<String>,
    },
    RenameAlbum {
        album: String,
        name: String,
    },
    MoveAlbum {
        album: String,
        folder: Option<String>,
    },
    DeleteAlbum {
        album: String,
    },
    AddToAlbum {
        asset: String,
        album: String,
    },
    RemoveFromAlbum {
        asset: String,
        album: String,
    },
    /// Answers `{"zone": zone name}`.
    AddSharedLibrary {
        area: Area,
    },
    /// So many photos more in a shared library.
    FillZone {
        zone: String,
        count: u32,
    },
    DeleteZone {
        zone: String,
    },
    RestoreZone {
        zone: String,
    },
    /// Every web session ends; its token still gives a new one.
    ExpireCookies,
    /// So does every token.
    ExpireSessions,
    /// No sync token that was given out is taken any more.
    ForgetTokens,
    AdvanceClock {
        seconds: u64,
    },
    /// How long download addresses hold that are signed from now on.
    LinkLife {
        seconds: u64,
    },
}

/// A photo whose bytes come from a seed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededPhoto {
    pub name: String,
    pub seed: u64,
    /// Bytes.
    pub size: u64,
    pub captured_ms: i64,
    #[serde(default = "jpeg")]
    pub uti: String,
    pub zone: Option<String>,
    /// Makes it a Live Photo: the seed of its video.
    pub live: Option<u64>,
    pub burst: Option<Frame>,
}

/// A photo's place in a burst.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// The same for every frame of one burst.
    pub id: String,
    pub pick: bool,
}

fn jpeg() -> String {
    "public.jpeg".into()
}

impl Command {
    /// Does it, and says what came of it.
    pub fn run(self, state: &State) -> Result<Value, NoSuch> {
        let cloud = &state.cloud;
        match self {
            Command::AdvanceClock { seconds } => state.clock.advance(Duration::from_secs(seconds)),
            Command::LinkLife { seconds } => cloud.set_link_life(Duration::from_secs(seconds)),
            Command::AddSharedLibrary { area } => {
                let zone = cloud.add_shared_library(area);
                return Ok(json!({"zone": cloud.zone_name(zone)}));
            }
            Command::FillZone { zone, count } => {
                let zone = named_zone(cloud, Some(&zone))?;
                seeded::fill_shared(cloud, zone, Size { assets: count as usize, body: state.options.body_size });
            }
            Command::DeleteZone { zone } => cloud.delete_zone(named_zone(cloud, Some(&zone))?),
            Command::RestoreZone { zone } => cloud.restore_zone(named_zone(cloud, Some(&zone))?),
            Command::ExpireCookies => state.accounts().end_cookies(),
            Command::ExpireSessions => state.accounts().end_sessions(),
            Command::ForgetTokens => cloud.forget_tokens(),
            other => return other.run_on_photo(cloud),
        }
        Ok(json!({}))
    }

    fn run_on_photo(self, cloud: &Cloud) -> Result<Value, NoSuch> {
        let asset = |name: &str| cloud.asset_named(name);
        match self {
            Command::AddPhoto(photo) => return photo.add(cloud).map(added),
            Command::AddPhotos { count } => add_photos(cloud, count),
            Command::Duplicate { asset: name } => return cloud.duplicate(asset(&name)?).map(added),
            Command::Move { asset: name, zone } => {
                return cloud.move_to(asset(&name)?, named_zone(cloud, Some(&zone))?).map(added);
            }
            Command::Trash { asset: name } => cloud.trash(asset(&name)?)?,
            Command::TrashOnWeb { asset: name } => cloud.trash_on_web(asset(&name)?)?,
            Command::Restore { asset: name } => cloud.restore(asset(&name)?)?,
            Command::Purge { asset: name } => cloud.purge(asset(&name)?)?,
            Command::Vanish { asset: name } => cloud.vanish(asset(&name)?)?,
            Command::Hide { asset: name, hidden } => cloud.set_hidden(asset(&name)?, hidden)?,
            Command::Favourite { asset: name, favourite } => cloud.set_favourite(asset(&name)?, favourite)?,
            Command::Retitle { asset: name, title } => cloud.retitle(asset(&name)?, &title)?,
            Command::SetDate { asset: name, captured_ms, utc_offset_s } => {
                cloud.set_date(asset(&name)?, captured_ms, utc_offset_s)?;
            }
            Command::Edit { asset: name, seed, size } => {
                let picture = Some(Resource::new("public.jpeg", Body::seeded(seed, size)));
                cloud.edit(asset(&name)?, Edit { picture, ..Edit::new() })?;
            }
            Command::Revert { asset: name } => cloud.revert(asset(&name)?)?,
            other => return other.run_on_album(cloud),
        }
        Ok(json!({}))
    }

    fn run_on_album(self, cloud: &Cloud) -> Result<Value, NoSuch> {
        let album = |name: &str| cloud.album_named(name);
        let folder = |name: Option<String>| name.map(|name| cloud.album_named(&name)).transpose();
        match self {
            Command::AddAlbum { name, folder: within, zone } => {
                let zone = named_zone(cloud, zone.as_deref())?;
                return Ok(made(cloud.add_album(zone, &name, folder(within)?)));
            }
            Command::AddFolder { name, folder: within, zone } => {
                let zone = named_zone(cloud, zone.as_deref())?;
                return Ok(made(cloud.add_folder(zone, &name, folder(within)?)));
            }
            Command::RenameAlbum { album: id, name } => cloud.rename_album(album(&id)?, &name)?,
            Command::MoveAlbum { album: id, folder: within } => cloud.move_album(album(&id)?, folder(within)?)?,
            Command::DeleteAlbum { album: id } => cloud.delete_album(album(&id)?)?,
            Command::AddToAlbum { asset, album: id } => cloud.add_to_album(cloud.asset_named(&asset)?, album(&id)?)?,
            Command::RemoveFromAlbum { asset, album: id } => {
                cloud.remove_from_album(cloud.asset_named(&asset)?, album(&id)?)?;
            }
            _ => unreachable!("every other command was run before"),
        }
        Ok(json!({}))
    }
}

impl SeededPhoto {
    fn add(self, cloud: &Cloud) -> Result<AssetId, NoSuch> {
        let zone = named_zone(cloud, self.zone.as_deref())?;
        let original = Resource::new(self.uti, Body::seeded(self.seed, self.size));
        let mut photo = NewPhoto::new(&self.name, original, self.captured_ms);
        if let Some(seed) = self.live {
            photo = photo.live(Resource::new("com.apple.quicktime-movie", Body::seeded(seed, self.size)));
        }
        photo.burst =
            self.burst.map(|Frame { id, pick }| Burst { id: id.into(), flags: if pick { 20 } else { 4 }, pick });
        Ok(cloud.add_photo(zone, photo))
    }
}

fn add_photos(cloud: &Cloud, count: u32) {
    for n in 0..count {
        let original = Resource::new(jpeg(), Body::seeded(0x3a17_0000_0000 + u64::from(n), 4096));
        let photo = NewPhoto::new(&format!("MANY_{n}.JPG"), original, i64::from(n) * 60_000);
        cloud.add_photo(cloud.primary(), photo);
    }
}

fn named_zone(cloud: &Cloud, name: Option<&str>) -> Result<ZoneId, NoSuch> {
    let Some(name) = name else { return Ok(cloud.primary()) };
    cloud.zone(name).ok_or_else(|| NoSuch::Library(name.to_owned()))
}

fn added(asset: AssetId) -> Value {
    json!({"asset": asset.name})
}

fn made(album: AlbumId) -> Value {
    json!({"album": album.name})
}
