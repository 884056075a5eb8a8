ALTER TABLE `assets` ADD `phash` text;--> statement-breakpoint
ALTER TABLE `assets` ADD `thumbnail` text;--> statement-breakpoint
CREATE INDEX `assets_without_thumbnail` ON `assets` (`archived_at`) WHERE thumbnail is null and erased_at is null;