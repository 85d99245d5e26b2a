//! The Photos service of one account.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;
use thiserror::Error;

use super::download::Downloads;
use super::{Album, AlbumKind, Asset, Change, DownloadUrl, Library, LibraryId, Master, Member, Resource, View};
use crate::account::{Account, AccountError};
use crate::cloudkit::{Area, CloudKitError, Database, Query, Record, SyncToken, Trail, Zone};
use crate::http::{Reach, Reached, Transient, Verdict};

#[derive(Debug, Error)]
pub enum PhotosError {
    #[error(transparent)]
    CloudKit(#[from] CloudKitError),
    /// A look-up that others shared.
    #[error(transparent)]
    LookUp(Arc<PhotosError>),
    #[error("iCloud no longer has this original")]
    Gone,
    #[error("iCloud has another version of this file by now")]
    Changed,
    #[error("the upload of this original is not finished")]
    NotReady,
    #[error("iCloud gave a download address that is none")]
    BadAddress,
    /// Answers that come short lack what they are about.
    #[error("iCloud does not tell whether its list is ready")]
    NoState,
    #[error("the library {0} is not known")]
    UnknownLibrary(String),
    #[error("photosfs is stopping")]
    Stopped,
}

impl PhotosError {
    /// The answer of the service behind it, if there was one.
    pub fn cloudkit(&self) -> Option<&CloudKitError> {
        match self {
            PhotosError::CloudKit(error) => Some(error),
            PhotosError::LookUp(error) => error.cloudkit(),
            _ => None,
        }
    }

    /// Whether the service said no in so many words, and would again.
    pub fn is_refusal(&self) -> bool {
        let refused = |error: &CloudKitError| matches!(error, CloudKitError::Refused { .. }) && !error.is_transient();
        self.cloudkit().is_some_and(refused)
    }

    /// What the account has to say, if it is the account's trouble.
    pub fn account(&self) -> Option<&AccountError> {
        match self.cloudkit()? {
            CloudKitError::Account(error) => Some(error),
            _ => None,
        }
    }

    /// What it tells of the next request.
    pub fn reached(&self) -> Reached {
        self.cloudkit().map_or(Reached::Answer, CloudKitError::reached)
    }
}

impl Transient for PhotosError {
    /// Calls of the service have been repeated as often as is good before they come here.
    fn verdict(&self) -> Verdict {
        Verdict::Stop
    }
}

/// A stretch of a view, from a rank on.
pub struct AssetPage {
    pub assets: Vec<Asset>,
    /// Each once, however many of the assets share it.
    pub masters: Vec<Master>,
    /// The zone's token at the moment of the answer.
    pub token: Option<SyncToken>,
}

/// A record of a view.
enum Seen {
    Asset(Box<Asset>),
    Master(Master),
}

/// A stretch of an album, from a rank on.
pub struct AlbumPage {
    pub members: Vec<Member>,
}

/// Albums and folders.
#[derive(Default)]
pub struct AlbumList {
    pub albums: Vec<Album>,
    /// Pseudo folders that came with them. Whether they are counted is not known (protocol/photos.md §2.3).
    pub roots: u64,
}

/// How many entries lists of a library announce; `None` for a list that it does not have.
pub struct Announced {
    /// In the order of [`View::ALL`].
    pub views: Vec<Option<u64>>,
    /// Albums and folders.
    pub list: Option<u64>,
    /// Of the albums that were asked for.
    pub members: Vec<Option<u64>>,
}

/// A stretch of a library's history.
pub struct ChangePage {
    pub changes: Vec<Change>,
    pub token: SyncToken,
    pub more_coming: bool,
}

/// What happened to the libraries of an area.
pub struct News {
    pub libraries: Vec<Library>,
    /// Names of zones that exist no more.
    pub gone: Vec<String>,
    /// Names of zones that are no libraries.
    pub others: Vec<String>,
    /// Whether this is all there is, and not only what changed.
    pub whole: bool,
    pub token: SyncToken,
}

/// How far the service is with its own lists; until it has finished they are short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indexing {
    pub finished: bool,
    /// Per cent.
    pub progress: i64,
}

/// What is asked of every asset and master: enough for a file system (protocol/photos.md §2.7).
const KEYS: &[&str] = &[
    "filenameEnc",
    "itemType",
    "resOriginalRes",
    "resOriginalFileType",
    "resOriginalAltRes",
    "resOriginalAltFileType",
    "resOriginalVidComplRes",
    "resOriginalVidComplFileType",
    "resJPEGFullRes",
    "resJPEGFullFileType",
    "resVidFullRes",
    "resVidFullFileType",
    "resSidecarRes",
    "resSidecarFileType",
    "masterRef",
    "assetDate",
    "addedDate",
    "timeZoneOffset",
    "isFavorite",
    "isHidden",
    "isDeleted",
    "isExpunged",
    "dateExpunged",
    "adjustmentType",
    "adjustmentRenderType",
    "assetSubtype",
    "assetSubtypeV2",
    "burstId",
    "duration",
    "captionEnc",
    "extendedDescEnc",
    "keywordsEnc",
    "locationEnc",
    "locationLatitude",
    "locationLongitude",
    "albumNameEnc",
    "albumType",
    "parentId",
    "containerId",
    "itemId",
];

/// How often the state of the service's lists is asked for, if an answer has none.
const STATES: usize = 3;
/// Counts asked for in one request. Peers ask for some twenty (protocol/photos.md §2.4).
const COUNTS: usize = 50;
/// The index of albums and folders, also by its count.
const ALBUMS: &str = "CPLAlbumByPositionLive";
/// Records looked up in one request (protocol/photos.md §5.4).
pub const LOOKUP: usize = crate::cloudkit::PAGE_RECORDS;
const ALBUM_KEYS: &[&str] = &["albumNameEnc", "albumType", "parentId", "isDeleted"];
/// Where nothing but names is wanted; without any key all would come.
const NAME_KEYS: &[&str] = &["masterRef"];
const MEMBER_KEYS: &[&str] = &["containerId", "itemId", "masterRef"];

pub struct Photos {
    database: Database,
    downloads: Downloads,
    zones: Mutex<HashMap<LibraryId, Zone>>,
}

impl Photos {
    /// Must be called inside a tokio runtime.
    pub fn new(account: Arc<Account>) -> Photos {
        let database = Database::new(account);
        Photos { downloads: Downloads::new(database.clone()), database, zones: Mutex::default() }
    }

    /// Whether the service can be reached, as far as is known.
    pub fn reach(&self) -> &Reach {
        self.database.reach()
    }

    /// Tells of a library that is known from before, so that its originals can be downloaded without asking for all.
    pub fn know(&self, library: &Library) {
        // A zone that is in both databases is the one of the private (protocol/photos.md §1.3), which is asked first.
        self.zones.lock().expect("no panic while held").entry(library.id()).or_insert_with(|| library.zone.clone());
    }

    /// Libraries of an area that changed since a database token; without one, all there are. A token that the service does
    /// not know (any more) counts as none.
    pub async fn news(&self, area: Area, token: Option<&SyncToken>) -> Result<News, PhotosError> {
        let (news, whole) = match self.database.zones(area, token).await {
            Err(error) if token.is_some() && error.is_bad_request() => (self.database.zones(area, None).await?, true),
            other => (other?, token.is_none()),
        };
        let (mut libraries, mut others) = (Vec::new(), Vec::new());
        for zone in news.changed {
            let name = zone.name.clone();
            match Library::of(zone) {
                Some(library) => libraries.push(library),
                None => others.push(name),
            }
        }
        libraries.iter().for_each(|library| self.know(library));
        Ok(News { libraries, gone: news.deleted, others, whole, token: news.token })
    }

    /// Whether the service's own lists of a library are complete.
    pub async fn indexing(&self, library: &Library) -> Result<Indexing, PhotosError> {
        let query = Query { index: "CheckIndexingState", filters: vec![], keys: &[], continuation: None };
        let state = |record: &Record<'_>| {
            let finished = record.text("state").as_deref() == Some("FINISHED");
            Some(Indexing { finished, progress: record.int("progress").unwrap_or(0) })
        };
        for _ in 0..STATES {
            let page = self.database.query(&library.zone, &query, state).await?;
            if let Some(state) = page.records.into_iter().next() {
                return Ok(state);
            }
        }
        Err(PhotosError::NoState)
    }

    /// How many assets some views announce; `None` for a view the library does not have. May be stale: for sizing and for
    /// doubt, not for proof (§2.4).
    pub async fn counts(&self, library: &Library, views: &[View]) -> Result<Vec<Option<u64>>, PhotosError> {
        let indexes: Vec<String> = views.iter().map(View::count_index).collect();
        let mut counts = Vec::new();
        for batch in indexes.chunks(COUNTS) {
            counts.extend(self.database.counts(&library.zone, batch).await?);
        }
        Ok(counts)
    }

    /// What a library announces of its views, of its list of albums and of some albums, by one answer. As stale as
    /// [`Photos::counts`] may be.
    pub async fn announced(&self, library: &Library, albums: &[String]) -> Result<Announced, PhotosError> {
        let mut indexes: Vec<String> = View::ALL.iter().map(View::count_index).collect();
        indexes.extend(library.has_albums().then(|| ALBUMS.to_owned()));
        indexes.extend(albums.iter().map(|album| View::Album(album.clone()).count_index()));
        let mut counts = self.database.counts(&library.zone, &indexes).await?.into_iter();
        let views = counts.by_ref().take(View::ALL.len()).collect();
        let list = if library.has_albums() { counts.next().flatten() } else { None };
        Ok(Announced { views, list, members: counts.collect() })
    }

    /// How long the service is left alone before it is asked the same again.
    pub fn pause(&self) -> Duration {
        self.database.pause()
    }

    /// The assets of a view from a rank on, at most [`View::stride`]; none past its end.
    pub async fn page(&self, library: &Library, view: &View, rank: u64) -> Result<AssetPage, PhotosError> {
        let seen = |record: &Record<'_>| match record.record_type()? {
            "CPLAsset" => Asset::read(record).map(|asset| Seen::Asset(Box::new(asset))),
            "CPLMaster" => Some(Seen::Master(Master::read(record))),
            _ => None,
        };
        let (records, token) = self.ranked(library, view, rank, KEYS, seen).await?;
        let mut page = AssetPage { assets: Vec::new(), masters: Vec::new(), token };
        for seen in records {
            match seen {
                Seen::Asset(asset) => page.assets.push(*asset),
                Seen::Master(master) => page.masters.push(master),
            }
        }
        Ok(page)
    }

    /// Names of the assets of a view from a rank on, as [`Photos::page`] would give them.
    pub async fn names(&self, library: &Library, view: &View, rank: u64) -> Result<Vec<String>, PhotosError> {
        let name = |record: &Record<'_>| (record.record_type() == Some("CPLAsset")).then(|| record.name.clone());
        Ok(self.ranked(library, view, rank, NAME_KEYS, name).await?.0)
    }

    /// The members of an album from a rank on, at most [`View::stride`]; none past its end.
    pub async fn members(&self, library: &Library, album: &str, rank: u64) -> Result<AlbumPage, PhotosError> {
        let member = |record: &Record<'_>| match record.record_type()? {
            "CPLContainerRelation" => Member::read(record),
            _ => None,
        };
        let view = View::Album(album.to_owned());
        Ok(AlbumPage { members: self.ranked(library, &view, rank, MEMBER_KEYS, member).await?.0 })
    }

    async fn ranked<T>(
        &self,
        library: &Library,
        view: &View,
        rank: u64,
        keys: &[&str],
        read: impl Fn(&Record<'_>) -> Option<T>,
    ) -> Result<(Vec<T>, Option<SyncToken>), PhotosError> {
        let mut filters = vec![("startRank", "INT64", json!(rank)), ("direction", "STRING", json!("ASCENDING"))];
        if let View::Album(album) = view {
            filters.push(("parentId", "STRING", json!(album)));
        }
        let query = Query { index: view.index(), filters, keys, continuation: None };
        let page = self.database.query(&library.zone, &query, read).await?;
        Ok((page.records, page.token))
    }

    /// All albums and folders of a library, nested ones too.
    pub async fn albums(&self, library: &Library) -> Result<AlbumList, PhotosError> {
        let mut list = AlbumList::default();
        let (mut seen, mut folders) = (HashSet::new(), vec![None]);
        while !folders.is_empty() {
            let level = folders.iter().map(|folder: &Option<String>| self.albums_in(library, folder.as_deref()));
            let found = try_join_all(level).await?;
            folders.clear();
            for album in found.into_iter().flatten() {
                match album {
                    None => list.roots += 1,
                    Some(album) if album.deleted || !seen.insert(album.name.clone()) => {}
                    Some(album) => {
                        folders.extend((album.kind == AlbumKind::Folder).then(|| Some(album.name.clone())));
                        list.albums.push(album);
                    }
                }
            }
        }
        Ok(list)
    }

    /// What is in a folder; `None` stands for a pseudo folder.
    async fn albums_in(&self, library: &Library, folder: Option<&str>) -> Result<Vec<Option<Album>>, PhotosError> {
        let mut albums = Vec::new();
        let mut marker: Option<String> = None;
        let mut trail = Trail::new("a list of albums", Trail::LIST);
        loop {
            let filters = folder.map(|name| ("parentId", "STRING", json!(name))).into_iter().collect();
            let query = Query { index: ALBUMS, filters, keys: ALBUM_KEYS, continuation: marker.as_deref() };
            let page = self.database.query(&library.zone, &query, |record| Some(Album::read(record))).await?;
            albums.extend(page.records);
            let Some(next) = page.continuation else { return Ok(albums) };
            trail.step(&next)?;
            marker = Some(next);
        }
    }

    /// How many albums and folders a library announces, if it does.
    pub async fn album_count(&self, library: &Library) -> Result<Option<u64>, PhotosError> {
        let counts = self.database.counts(&library.zone, &[ALBUMS.to_owned()]).await?;
        Ok(counts.into_iter().next().flatten())
    }

    /// What some records are now, by name; `None` for those the service does not have. A record of a kind photosfs has no
    /// use for is left out.
    pub async fn records(
        &self,
        library: &Library,
        names: &[String],
    ) -> Result<Vec<(String, Option<Change>)>, PhotosError> {
        let mut states = Vec::new();
        for batch in names.chunks(LOOKUP) {
            for (name, change) in self.database.lookup(&library.zone, batch, KEYS, Change::read).await? {
                match change {
                    Ok(change) => states.extend(change.map(|change| (name, Some(change)))),
                    Err(CloudKitError::Refused { code, .. }) if code == "NOT_FOUND" => states.push((name, None)),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(states)
    }

    /// What happened in a library since a token; without one, from its beginning.
    pub async fn changes(&self, library: &Library, token: Option<&SyncToken>) -> Result<ChangePage, PhotosError> {
        let page = self.database.changes(&library.zone, token, KEYS, Change::read).await?;
        Ok(ChangePage { changes: page.records, token: page.token, more_coming: page.more_coming })
    }

    /// An address for a resource that is good for at least another minute. Look-ups are batched and remembered.
    pub async fn download_url(&self, resource: &Resource) -> Result<DownloadUrl, PhotosError> {
        self.downloads.url(&self.zone(&resource.library)?, resource, None).await
    }

    /// A fresh address after the content host refused one.
    pub async fn renewed_url(&self, resource: &Resource, refused: &DownloadUrl) -> Result<DownloadUrl, PhotosError> {
        self.downloads.url(&self.zone(&resource.library)?, resource, Some(refused)).await
    }

    fn zone(&self, library: &LibraryId) -> Result<Zone, PhotosError> {
        let zones = self.zones.lock().expect("no panic while held");
        zones.get(library).cloned().ok_or_else(|| PhotosError::UnknownLibrary(library.0.clone()))
    }
}
