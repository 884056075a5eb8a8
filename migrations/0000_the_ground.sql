CREATE TABLE `assets` (
	`digest` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`bytes` integer NOT NULL,
	`content_type` text NOT NULL,
	`width` integer NOT NULL,
	`height` integer NOT NULL,
	`archived_at` integer NOT NULL,
	CONSTRAINT "assets_digest" CHECK(length("assets"."digest") = 64),
	CONSTRAINT "assets_bytes" CHECK("assets"."bytes" > 0 and "assets"."width" > 0 and "assets"."height" > 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `assets_key_unique` ON `assets` (`key`);--> statement-breakpoint
CREATE TABLE `calls` (
	`request_id` text NOT NULL,
	`number` integer NOT NULL,
	`state` text NOT NULL,
	`n` integer NOT NULL,
	`seed` integer NOT NULL,
	`worker_id` text NOT NULL,
	`sent_at` integer NOT NULL,
	`ended_at` integer,
	`http_status` integer,
	`api_request_id` text,
	`error_code` text,
	`error_message` text,
	PRIMARY KEY(`request_id`, `number`),
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "calls_state" CHECK("calls"."state" in ('sent', 'answered', 'refused', 'unknown')),
	CONSTRAINT "calls_ended_at" CHECK(("calls"."state" = 'sent') = ("calls"."ended_at" is null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `calls_one_out` ON `calls` (`request_id`) WHERE state = 'sent';--> statement-breakpoint
CREATE INDEX `calls_by_state` ON `calls` (`state`,`sent_at`);--> statement-breakpoint
CREATE TABLE `generations` (
	`request_id` text NOT NULL,
	`call_number` integer NOT NULL,
	`api_created` integer NOT NULL,
	`expires_at` integer,
	`usage` text,
	PRIMARY KEY(`request_id`, `call_number`),
	FOREIGN KEY (`request_id`,`call_number`) REFERENCES `calls`(`request_id`,`number`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `images` (
	`request_id` text NOT NULL,
	`image_index` integer NOT NULL,
	`call_number` integer,
	`url` text,
	`spool_file` text,
	`expires_at` integer,
	`digest` text,
	`archived_at` integer,
	PRIMARY KEY(`request_id`, `image_index`),
	FOREIGN KEY (`request_id`) REFERENCES `requests`(`request_id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`digest`) REFERENCES `assets`(`digest`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "images_archived_at" CHECK(("images"."digest" is null) = ("images"."archived_at" is null)),
	CONSTRAINT "images_somewhere" CHECK("images"."digest" is not null or "images"."url" is not null or "images"."spool_file" is not null)
);
--> statement-breakpoint
CREATE INDEX `images_by_digest` ON `images` (`digest`);--> statement-breakpoint
CREATE INDEX `images_unarchived` ON `images` (`expires_at`) WHERE digest is null;--> statement-breakpoint
CREATE TABLE `requests` (
	`request_id` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`recipe_id` text,
	`model` text,
	`prompt` text,
	`negative_prompt` text,
	`aspect_ratio` text,
	`n` integer,
	`seed` integer,
	`steps` integer,
	`guidance_scale` real,
	`seed_given` integer NOT NULL,
	`response_format` text NOT NULL,
	`collection` text NOT NULL,
	`tags` text NOT NULL,
	`metadata` text NOT NULL,
	`reuse` integer NOT NULL,
	`webhook_url` text,
	`content_hash` text NOT NULL,
	`batch_id` text,
	`job_id` text NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`error_code` text,
	`error_message` text,
	`submitted` text,
	`reused_from` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`archived_at` integer,
	`sidecar_at` integer,
	CONSTRAINT "requests_state" CHECK("requests"."state" in ('queued', 'generating', 'copying', 'archived', 'failed', 'parked', 'cancelled')),
	CONSTRAINT "requests_recipe" CHECK("requests"."recipe_id" is not null or "requests"."state" = 'failed'),
	CONSTRAINT "requests_seed_is_explicit" CHECK("requests"."seed" is null or "requests"."seed" >= 0),
	CONSTRAINT "requests_archived_at" CHECK(("requests"."state" = 'archived') = ("requests"."archived_at" is not null)),
	CONSTRAINT "requests_reason" CHECK("requests"."state" not in ('failed', 'parked') or "requests"."error_code" is not null)
);
--> statement-breakpoint
CREATE INDEX `requests_by_recipe` ON `requests` (`recipe_id`);--> statement-breakpoint
CREATE INDEX `requests_by_age` ON `requests` (`created_at`,`request_id`);--> statement-breakpoint
CREATE INDEX `requests_by_state` ON `requests` (`state`,`updated_at`);--> statement-breakpoint
CREATE INDEX `requests_by_batch` ON `requests` (`batch_id`,`state`);--> statement-breakpoint
CREATE TABLE `workers` (
	`worker_id` text PRIMARY KEY NOT NULL,
	`host` text NOT NULL,
	`pid` integer NOT NULL,
	`pid_started` text NOT NULL,
	`started_at` integer NOT NULL,
	`seen_at` integer NOT NULL
);
