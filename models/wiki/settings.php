
// What this study sets beyond what MediaWiki's installer wrote above. start.sh puts it at the end of LocalSettings.php.
wfLoadSkin( 'Vector' );
$wgDefaultSkin = 'vector';

// Demand must not change while it is measured. So every cache is either full before the first request that counts (the words of
// the interface in a file, parsed pages in the database, the rest in the memory of php-fpm) or not there. Jobs are
// put into the database and never run: they would be a second load, of another mix.
$wgCacheDirectory = getenv( 'WIKI_FOLDER' ) . '/cache';
$wgLocalisationCacheConf['store'] = 'array';
$wgMainCacheType = CACHE_ACCEL;
$wgParserCacheType = CACHE_DB;
$wgSessionCacheType = CACHE_DB;
$wgMessageCacheType = CACHE_ACCEL;
$wgJobRunRate = 0;
$wgUseDatabaseMessages = false;
$wgMiserMode = false;

// Files are not uploaded, mail is not sent, nothing is asked of other hosts.
$wgUploadDirectory = getenv( 'WIKI_FOLDER' ) . '/images';
$wgEnableUploads = false;
$wgEnableEmail = false;
$wgPingback = false;

// The customers come from one address and would be taken for an attack.
$wgRateLimits = [];
$wgPasswordAttemptThrottle = [];
$wgAccountCreationThrottle = [];
$wgDisableOutputCompression = true; // nginx compresses

$wgGroupPermissions['*']['edit'] = false;
