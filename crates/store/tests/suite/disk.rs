//! A full disk: writes are refused cleanly, nothing is half there, and all goes on when there is space again.

use crate::places::{me, put, settings, write};
use serde_json::json;
use std::process::Command;
use store::{Batch, Store, StoreError};

/// A small disk in memory, gone with the test.
struct Tiny(std::path::PathBuf);

impl Drop for Tiny {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().ok();
        std::fs::remove_dir(&self.0).ok();
    }
}

fn tiny() -> Option<Tiny> {
    let folder = std::env::temp_dir().join(format!("continuo-tiny-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(&folder).output();
    match mounted {
        Ok(done) if done.status.success() => Some(Tiny(folder)),
        _ => {
            std::fs::remove_dir(&folder).ok();
            eprintln!("no small disk can be mounted here (that takes root): a full disk is not tested");
            None
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_keeps_what_it_has() {
    let Some(disk) = tiny() else { return };
    let store = Store::open(settings(disk.0.join("store.db").to_str().unwrap())).await.unwrap();
    let pair = |at: usize| {
        let text: String = (0..300).map(|it| format!("{:x}", (it + 1) * (at + 7) * 2_654_435_761)).collect();
        let owner = json!({"resourceType": "Patient", "id": format!("p{at}"), "birthDate": "1970"});
        let note = json!({"resourceType": "Basic", "id": format!("b{at}"), "code": {"text": text}, "subject": {"reference": format!("Patient/p{at}")}});
        Batch { writes: vec![put(owner), put(note)], guards: Vec::new(), action: "test", ..Batch::default() }
    };
    let mut written = 0;
    let refused = loop {
        match store.commit(&me(), pair(written), crate::places::NOON).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 20_000, "the disk never fills");
    };
    assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused}");
    assert!(written > 10);
    let there = |name: String| {
        let store = store.clone();
        async move { store.read(&me(), &fhir::Key::parse(&name).unwrap()).await.is_ok() }
    };
    for at in 0..written {
        assert!(there(format!("Patient/p{at}")).await && there(format!("Basic/b{at}")).await, "pair {at} is lost");
    }
    assert!(!there(format!("Patient/p{written}")).await && !there(format!("Basic/b{written}")).await);
    let grown = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&disk.0).status().unwrap();
    assert!(grown.success());
    store.commit(&me(), pair(written), crate::places::NOON).await.unwrap();
    write(&store, put(json!({"resourceType": "Patient", "id": "after"}))).await.unwrap();
    assert_eq!(store.verify(&me(), &|_, _| {}).await.unwrap(), []);
    store.close().await;
}
