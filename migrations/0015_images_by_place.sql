-- Images are tied to their assets by number. An index of their digests, of which each falls on any page of it, read, logged
-- and moved a page for each image; numbers stand at its end. Assets get theirs as a column, or SQLite might renumber them.
CREATE TABLE `__new_assets` (
	`place` integer PRIMARY KEY NOT NULL,
	`digest` text NOT NULL,
	`key` text NOT NULL,
	`bytes` integer NOT NULL,
	`content_type` text NOT NULL,
	`width` integer NOT NULL,
	`height` integer NOT NULL,
	`archived_at` integer NOT NULL,
	`verified_at` integer,
	`fault` text,
	`mirrored_at` integer,
	`erased_at` integer,
	`phash` text,
	`thumbnail` text,
	CONSTRAINT "assets_digest" CHECK(length("__new_assets"."digest") = 64),
	CONSTRAINT "assets_bytes" CHECK("__new_assets"."bytes" > 0 and "__new_assets"."width" > 0 and "__new_assets"."height" > 0)
);
--> statement-breakpoint
INSERT INTO `__new_assets` (`place`, `digest`, `key`, `bytes`, `content_type`, `width`, `height`, `archived_at`, `verified_at`,
  `fault`, `mirrored_at`, `erased_at`, `phash`, `thumbnail`)
SELECT rowid, `digest`, `key`, `bytes`, `content_type`, `width`, `height`, `archived_at`, `verified_at`,
  `fault`, `mirrored_at`, `erased_at`, `phash`, `thumbnail`
FROM `assets` ORDER BY rowid;
--> statement-breakpoint
DROP TABLE `assets`;
--> statement-breakpoint
ALTER TABLE `__new_assets` RENAME TO `assets`;
--> statement-breakpoint
CREATE UNIQUE INDEX `assets_digest_unique` ON `assets` (`digest`);
--> statement-breakpoint
CREATE INDEX `assets_by_bytes` ON `assets` (`bytes`);
--> statement-breakpoint
CREATE INDEX `assets_by_size` ON `assets` (`width`,`height`);
--> statement-breakpoint
CREATE INDEX `assets_without_thumbnail` ON `assets` (`archived_at`) WHERE thumbnail is null and erased_at is null;
--> statement-breakpoint
CREATE TABLE `__new_images` (
	`request_id` text NOT NULL,
	`image_index` integer NOT NULL,
	`call_number` integer,
	`url` text,
	`spool_file` text,
	`expires_at` integer,
	`digest` text,
	`asset_place` integer,
	`archived_at` integer,
	PRIMARY KEY(`request_id`, `image_index`),
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`digest`) REFERENCES `assets`(`digest`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "images_archived_at" CHECK(("__new_images"."digest" is null) = ("__new_images"."archived_at" is null)),
	CONSTRAINT "images_asset_place" CHECK(("__new_images"."digest" is null) = ("__new_images"."asset_place" is null)),
	CONSTRAINT "images_somewhere" CHECK("__new_images"."digest" is not null or "__new_images"."url" is not null or "__new_images"."spool_file" is not null)
);
--> statement-breakpoint
INSERT INTO `__new_images` (`request_id`, `image_index`, `call_number`, `url`, `spool_file`, `expires_at`, `digest`, `asset_place`, `archived_at`)
SELECT i.`request_id`, i.`image_index`, i.`call_number`, i.`url`, i.`spool_file`, i.`expires_at`, i.`digest`, a.`place`, i.`archived_at`
FROM `images` i LEFT JOIN `assets` a ON a.`digest` = i.`digest` ORDER BY i.rowid;
--> statement-breakpoint
DROP TABLE `images`;
--> statement-breakpoint
ALTER TABLE `__new_images` RENAME TO `images`;
--> statement-breakpoint
CREATE INDEX `images_by_asset` ON `images` (`asset_place`) WHERE asset_place is not null;
--> statement-breakpoint
CREATE INDEX `images_unarchived` ON `images` (`expires_at`) WHERE digest is null;
