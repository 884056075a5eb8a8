CREATE TABLE `batches` (
	`batch_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`manifest` text NOT NULL,
	`manifest_digest` text NOT NULL,
	`schedule` text,
	`state` text NOT NULL,
	`paused` integer DEFAULT false NOT NULL,
	`window` text,
	`tz` text,
	`opens_at` integer,
	`closes_at` integer,
	`max_images` integer,
	`committed_images` integer DEFAULT 0 NOT NULL,
	`price_micros` integer,
	`price_currency` text,
	`items` integer DEFAULT 0 NOT NULL,
	`accepted` integer DEFAULT 0 NOT NULL,
	`retried` integer DEFAULT 0 NOT NULL,
	`existing` integer DEFAULT 0 NOT NULL,
	`elsewhere` integer DEFAULT 0 NOT NULL,
	`duplicates` integer DEFAULT 0 NOT NULL,
	`invalid` integer DEFAULT 0 NOT NULL,
	`webhook_url` text,
	`created_at` integer NOT NULL,
	`enqueued_at` integer,
	`finished_at` integer,
	`reported` text,
	`reported_at` integer,
	`report_claimed_at` integer,
	`report_key` text,
	`result` text,
	CONSTRAINT "batches_state" CHECK("batches"."state" in ('enqueuing', 'running', 'finished', 'cancelled')),
	CONSTRAINT "batches_finished_at" CHECK("batches"."state" <> 'finished' or "batches"."finished_at" is not null),
	CONSTRAINT "batches_committed" CHECK("batches"."committed_images" >= 0),
	CONSTRAINT "batches_budget" CHECK("batches"."max_images" is null or "batches"."max_images" >= 0)
);
--> statement-breakpoint
CREATE INDEX `batches_unfinished` ON `batches` (`created_at`) WHERE finished_at is null;--> statement-breakpoint
CREATE INDEX `batches_by_age` ON `batches` (`created_at`);--> statement-breakpoint
CREATE INDEX `batches_by_manifest` ON `batches` (`manifest_digest`);--> statement-breakpoint
ALTER TABLE `calls` ADD `batch_id` text;--> statement-breakpoint
CREATE INDEX `calls_by_batch` ON `calls` (`batch_id`,`state`) WHERE batch_id is not null;--> statement-breakpoint
ALTER TABLE `requests` ADD `batch_item` integer;