CREATE TABLE `batch_existing_items` (
	`batch_id` text NOT NULL,
	`doc` integer NOT NULL,
	`batch_item` integer NOT NULL,
	`manifest_line` integer,
	PRIMARY KEY(`batch_id`, `doc`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `batch_existing_items_by_manifest` ON `batch_existing_items` (`batch_id`,`batch_item`);--> statement-breakpoint
ALTER TABLE `requests` ADD `manifest_line` integer;--> statement-breakpoint
CREATE INDEX `requests_by_manifest` ON `requests` (`batch_id`,`batch_item`) WHERE batch_item is not null;--> statement-breakpoint
CREATE INDEX `requests_outside_manifest` ON `requests` (`batch_id`) WHERE batch_id is not null and batch_item is null;